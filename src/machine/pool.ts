import { move, Piscina, transferableSymbol, valueSymbol } from "piscina";

/** Worker threads that run one task function. */
export interface Pool<Task, Answer> {
  run(task: Task, options?: { readonly transfer?: readonly ArrayBuffer[] }): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Opens worker threads on a module beside the caller, e.g. `openPool(import.meta.url, "./cache-worker", 2)`. The
 * module's default export is the task function.
 */
export function openPool<Task, Answer>(callerUrl: string, module: string, threads: number): Pool<Task, Answer> {
  const extension = callerUrl.endsWith(".ts") ? ".ts" : ".js"; // from source under tsx, or built
  const piscina = new Piscina({
    filename: new URL(module + extension, callerUrl).href,
    minThreads: 1,
    maxThreads: Math.max(1, threads),
    idleTimeout: 10_000,
  });
  return {
    run: (task, options) => piscina.run(task, { transferList: [...(options?.transfer ?? [])] }),
    close: () => piscina.destroy(),
  };
}

/** A worker's answer that is not copied: these buffers of it go to who asked, and are empty in the worker afterwards. */
export function handOver<Answer extends object>(answer: Answer, buffers: readonly ArrayBuffer[]): Answer {
  return move({ [transferableSymbol]: buffers, [valueSymbol]: answer }) as unknown as Answer;
}
