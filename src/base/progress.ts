/** Where long work tells how far it is. The terminal's bars, a log and silence are its adapters. */
export interface Progress {
  /** Opens a task of `total` steps in the words of the user, e.g. "Reading headers". */
  start(what: string, total: number): ProgressTask;
}

/** One running task. */
export interface ProgressTask {
  /** Tells that `steps` more are done; `note` replaces the few words beside the bar, e.g. "loss 0.231". */
  advance(steps: number, note?: string): void;
  /** Ends the task. */
  done(): void;
}

/** Says nothing: for tests and for callers that do not care. */
export const silent: Progress = { start: () => ({ advance() {}, done() {} }) };
