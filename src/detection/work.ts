import { openPool } from "../machine/index.ts";

/** A task function that runs somewhere. */
export interface Work<Task, Answer> {
  run(task: Task): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Runs a worker module's task function in worker threads, or in this thread where there are so few tasks that they are
 * done before a thread would have started (about 0.2 s).
 */
export function openWork<Task, Answer>(
  module: { readonly name: string; readonly task: (task: Task) => Answer | Promise<Answer> },
  { threads, tasks }: { readonly threads: number; readonly tasks: number },
): Work<Task, Answer> {
  if (tasks > 2) return openPool<Task, Answer>(import.meta.url, module.name, threads);
  return { run: async (task) => module.task(task), close: async () => {} };
}
