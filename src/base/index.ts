export { fileProblem, fileResult, writeFileAtomic } from "./atomic-file.ts";
export { csvField, type LedgerEntry, type LedgerSummary, ledgerHeader, ledgerLine, summariseLedger } from "./ledger.ts";
export { makeFolder } from "./make-folder.ts";
export { openPool, type Pool } from "./pool.ts";
export { type Progress, type ProgressTask, silent } from "./progress.ts";
export { permutation, type Random, random } from "./random.ts";
export { describeProblem, fail, must, ok, type Problem, type Result } from "./result.ts";
export { type Shaped, shaped, sizeOf, type TensorData } from "./shaped.ts";
