/** The library: what the commands do, as functions. Each returns a `Result`; bad input is a `Problem`, never a throw. */
export { describeProblem, type Problem, type Progress, type Result, silent } from "./base/index.ts";
export { buildIndex, openIndex } from "./dataset/index.ts";
export { detect, findingsSchema } from "./detection/index.ts";
export { evaluateRun, evaluationSchema, evaluationTable } from "./evaluation/index.ts";
export { labels } from "./labels/index.ts";
export { metrics } from "./metrics/index.ts";
export { detectorInfoSchema, models, openDetector } from "./models/index.ts";
export { makePhantom } from "./phantom/index.ts";
export { writeSummary } from "./report/index.ts";
export { readRun, resolveConfig, train } from "./training/index.ts";
