export { fileProblem, fileResult, isSystemFault, writeFileAtomic } from "./atomic-file.ts";
export { makeFolder } from "./make-folder.ts";
export { handOver, openPool, type Pool } from "./pool.ts";
