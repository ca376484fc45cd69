export { probeBlock } from "./blocked/probe.ts";
export { lowerings } from "./blocked/rules.ts";
export { type Executor, type ExecutorOptions, openExecutor, probeProvider } from "./executor.ts";
export type { Values } from "./executor-port.ts";
export { executors } from "./executors.ts";
export { SessionLost } from "./session-lost.ts";
export type { SharedOptions, SharedPrograms } from "./shared-session.ts";
export { openTrainingSession, type StepResult, type TrainingSession, type TrainingState } from "./training-session.ts";
export { openSharedSession, openTrainingThread } from "./training-thread.ts";
