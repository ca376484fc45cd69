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
  return openThreads(callerUrl, module, { maxThreads: Math.max(1, threads) });
}

/**
 * A pool of one thread, opened as `openPool` opens them, whose event loop goes on between two tasks: it can do some work
 * after it has answered. (Threads of a pool otherwise sleep until the next task, which spares them some microseconds.)
 */
export function openThread<Task, Answer>(callerUrl: string, module: string): Pool<Task, Answer> {
  return openThreads(callerUrl, module, { maxThreads: 1, atomics: "disabled" });
}

function openThreads<Task, Answer>(
  callerUrl: string,
  module: string,
  options: { readonly maxThreads: number; readonly atomics?: "disabled" },
): Pool<Task, Answer> {
  const extension = callerUrl.endsWith(".ts") ? ".ts" : ".js"; // from source under tsx, or built
  const filename = new URL(module + extension, callerUrl).href;
  const piscina = new Piscina({ filename, minThreads: 1, idleTimeout: 10_000, ...options });
  return {
    run: (task, given) => piscina.run(task, { transferList: [...(given?.transfer ?? [])] }),
    close: () => piscina.destroy(),
  };
}

/** A worker's answer that is not copied: these buffers of it go to who asked, and are empty in the worker afterwards. */
export function handOver<Answer extends object>(answer: Answer, buffers: readonly ArrayBuffer[]): Answer {
  return move({ [transferableSymbol]: buffers, [valueSymbol]: answer }) as unknown as Answer;
}
