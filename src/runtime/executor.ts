import { fail, fileProblem, ok, type Problem, type Result, type Shaped, type TensorData } from "../base/index.ts";

/** Arrays by the names of a graph's inputs or outputs. */
export type Values = Readonly<Record<string, Shaped>>;

/** Runs one graph. The port of this room; its adapter today is onnxruntime-node. */
export interface Executor {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs the graph once. Inputs are not copied and must not change meanwhile. */
  run(feeds: Values): Promise<Values>;
  /** Frees the session; the executor must not be used again. */
  close(): Promise<void>;
}

/** How a session is opened. */
export interface ExecutorOptions {
  /** Threads inside an operator; by default as many as ONNX Runtime finds cores. */
  readonly threads?: number;
  /** Where the model comes from, for the words of a problem. */
  readonly where?: string;
}

/**
 * Opens a graph on this machine's CPU. Problems: "model refused" (ONNX Runtime cannot load it).
 * Options as measured: memory patterns off (40 % less memory at the same speed), sequential execution.
 */
export async function openExecutor(
  model: Uint8Array,
  { threads, where = "model" }: ExecutorOptions = {},
): Promise<Result<Executor>> {
  const runtime = await import("onnxruntime-node"); // 46 MB of native code: only when a graph is run
  const { InferenceSession, Tensor } = runtime;
  let session: Awaited<ReturnType<typeof InferenceSession.create>>;
  try {
    session = await InferenceSession.create(model, {
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
    });
  } catch (error) {
    return fail(modelProblem(error, where));
  }
  return ok({
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
        name,
        new Tensor(elementName(data), data, shape),
      ]);
      const answers = await session.run(Object.fromEntries(tensors));
      return Object.fromEntries(
        Object.entries(answers).map(([name, { data, dims }]) => [name, { data: data as TensorData, shape: dims }]),
      );
    },
    close: () => session.release(),
  });
}

function elementName(data: TensorData) {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Int16Array) return "int16";
  return "uint8";
}

function modelProblem(error: unknown, where: string): Problem {
  if (error instanceof Error && "code" in error) return fileProblem(error, where);
  const got = error instanceof Error ? error.message : String(error);
  return {
    kind: "model refused",
    where,
    got,
    expected: "a graph that ONNX Runtime 1.30 can run",
    next: "name a detector that Ichor wrote",
  };
}
