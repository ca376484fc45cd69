export { csvField, type LedgerEntry, type LedgerSummary, ledgerHeader, ledgerLine, summariseLedger } from "./ledger.ts";
export { type Progress, type ProgressTask, silent } from "./progress.ts";
export { permutation, type Random, random } from "./random.ts";
export { describeProblem, fail, must, ok, type Problem, type Result } from "./result.ts";
export { type Shaped, shaped, sizeOf, type TensorData } from "./shaped.ts";
export { shellWord } from "./shell-word.ts";
export { type Kernel, openKernel } from "./wasm.ts";
