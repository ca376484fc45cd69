export { fileProblem, fileResult, isSystemFault, writeFileAtomic } from "./atomic-file.ts";
export { makeFolder } from "./make-folder.ts";
export { handOver, openPool, openThread, type Pool } from "./pool.ts";
