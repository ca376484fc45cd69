import type { InferenceSession, OnnxValue, TensorConstructor } from "onnxruntime-node";
import type { Shaped, TensorData } from "../base/index.ts";
import { elementOf, type Graph } from "../onnx/index.ts";

/** Arrays by the names of a graph's inputs or outputs. */
export type Values = Readonly<Record<string, Shaped>>;

/** Runs one graph: the port of this room. Its adapters are the rows of `executors`. */
export interface Executor {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs the graph once. Inputs are not copied and must not change meanwhile; what comes out belongs to the caller.
   * @param into memory that outputs of these names may be written to, and are then; shares none with inputs
   */
  run(feeds: Values, into?: Values): Promise<Values>;
  /** Frees the session, after the runs that are under way; a run after it rejects, and closing again is nothing. */
  close(): Promise<void>;
}

/** How a session is opened. */
export interface ExecutorOptions {
  /** Threads inside an operator; by default as many as ONNX Runtime finds cores. Wasm keeps the first number it is told. */
  readonly threads?: number;
  /** Where the model comes from, for the words of a problem. */
  readonly where?: string;
  /** A row of `executors`; by default "cpu" in Node and "wasm" in a browser. */
  readonly provider?: string;
  /** "as written": nodes run in the order in which they stand; ONNX Runtime rewrites nothing, and puts nothing off. */
  readonly order?: "as written" | undefined;
}

/** Opens a model on one provider. Throws what ONNX Runtime throws: `openExecutor` says what that means. */
export type OpenSession = (
  model: Uint8Array,
  provider: string,
  options: Pick<ExecutorOptions, "threads" | "order">,
) => Promise<Executor>;

/** A way to run graphs. */
export interface ExecutorRow {
  /** What it runs on. */
  readonly what: string;
  /** What must be there, and what to do where it is not. */
  readonly needs: string;
  readonly next: string;
  readonly open: OpenSession;
  /** Rewrites what the provider cannot take as it is written. */
  readonly fit?: (graph: Graph) => Graph;
}

/**
 * The port over a session; onnxruntime-node and onnxruntime-web share these types and their meaning.
 * @param how `letGo`, where outputs are written to memory that is given: what to do with the copy that is answered as well
 */
export function overSession(
  session: InferenceSession,
  Tensor: TensorConstructor,
  { letGo }: { readonly letGo?: (copy: TensorData) => void } = {},
): Executor {
  const booleans = new Set(
    session.inputMetadata.flatMap((input) => (input.isTensor && input.type === "bool" ? [input.name] : [])),
  );
  const running = new Set<Promise<unknown>>();
  let closed = false;
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, into = {}) {
      if (closed) throw new Error("the session is closed");
      const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
        name,
        booleans.has(name) && data instanceof Uint8Array
          ? new Tensor("bool", data, shape)
          : new Tensor(elementOf(data), data, shape),
      ]);
      const targets = session.outputNames.map((name) => {
        const target = letGo === undefined ? undefined : into[name];
        return [name, target === undefined ? null : new Tensor(elementOf(target.data), target.data, target.shape)];
      });
      const run = session.run(Object.fromEntries(tensors), Object.fromEntries(targets));
      running.add(run);
      const answers: Readonly<Record<string, OnnxValue>> = await run.finally(() => running.delete(run));
      return Object.fromEntries(
        Object.entries(answers).map(([name, { data, dims }]) => {
          const target = into[name];
          if (letGo === undefined || target === undefined) return [name, { data: data as TensorData, shape: dims }];
          letGo(data as TensorData);
          return [name, target];
        }),
      );
    },
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(running); // what native code still computes, it reads
      await session.release();
    },
  };
}
