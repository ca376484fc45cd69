export { type Executor, type ExecutorOptions, openExecutor, type Values } from "./executor.ts";
export { openTrainingSession, type TrainingSession, type TrainingState } from "./training-session.ts";
