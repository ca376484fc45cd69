export { configDifferences, defaultConfig, type TrainingConfig, trainingConfigSchema } from "./config.ts";
export { configReference } from "./config-reference.ts";
export { countFolds, truthOf } from "./folds.ts";
export { type MetricsLine, metricsLineSchema, readMetricsLog } from "./metrics-log.ts";
export { type ConfigSources, resolveConfig } from "./resolve-config.ts";
export { openRunData, type RunData, type Work } from "./run-data.ts";
export {
  type FoldCounts,
  type Run,
  type RunInfo,
  type RunPaths,
  readRun,
  resumeCommand,
  runInfoSchema,
  runPaths,
} from "./run-folder.ts";
export { type ScoreOptions, scoreRows } from "./score-rows.ts";
export { type RunSummary, type TrainOptions, train } from "./train.ts";
