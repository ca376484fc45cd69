import { initialVectors, optimiserScalars, trainingProgram } from "../../autodiff/index.ts";
import { ok, type Result, random, shaped } from "../../base/index.ts";
import { lossWeights } from "../../labels/index.ts";
import { initialise, models } from "../../models/index.ts";
import { buildGraph } from "../../onnx/index.ts";
import { openExecutor, openTrainingSession } from "../../runtime/index.ts";

/** The training that is timed: the cnn, as `ichor train` has it unless told otherwise, on pixels of noise. */
export interface TrainingProbe {
  /** Rows and columns of a slice. */
  readonly size: number;
  /** Slices a step. */
  readonly batch: number;
  readonly threads: number;
  readonly provider: string;
  readonly form: "portable" | "fastest";
}

/** What came of it. */
export interface TrainingRate extends TrainingProbe {
  /** What ran: "portable", "blocked (16)". */
  readonly ran: string;
  readonly stepMs: number;
  readonly slicesPerSecond: number;
  /** What the process grew by, bytes. */
  readonly memoryBytes: number;
}

const side = 1024;

/** Matrix product of 1024×1024 float32, GFLOP/s. */
export async function measureProduct(threads: number, ms: number): Promise<Result<number>> {
  const g = buildGraph("product");
  const [a, b] = ["a", "b"].map((name) => g.input(name, { element: "float32", shape: [side, side] }));
  g.output(g.node("MatMul", [a, b]), "y");
  const opened = await openExecutor({ graph: g.finish(), functions: [], metadata: {} }, { threads });
  if (opened.kind === "problem") return opened;
  const matrix = shaped(new Float32Array(side * side).fill(0.5), [side, side]);
  const each = await medianMs(ms, () => opened.value.run({ a: matrix, b: matrix }));
  await opened.value.close();
  return ok((2 * side ** 3) / each / 1e6);
}

/** Steps of a training in a given time. */
export async function measureTraining(probe: TrainingProbe, ms: number): Promise<Result<TrainingRate>> {
  const { size, batch, threads, provider, form } = probe;
  const before = process.memoryUsage().rss;
  const { neighbours, width } = models.cnn;
  const network = models.cnn.build({ size, neighbours, width }, batch);
  const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
  const program = trainingProgram(network, { optimiser, lossWeights });
  const initial = initialVectors(program, network, initialise(network, 1));
  const opened = await openTrainingSession(program, initial, { threads, provider, form });
  if (opened.kind === "problem") return opened;
  const source = random(1, "doctor");
  const hu = Float32Array.from({ length: batch * neighbours * size ** 2 }, () => 30 + 60 * source.normal());
  const labels = Float32Array.from({ length: batch * lossWeights.length }, () => (source.uniform() > 0.7 ? 1 : 0));
  let step = 0;
  const stepMs = await medianMs(ms, () => {
    step++;
    return opened.value.step({ hu, labels, ...optimiserScalars(optimiser, { step, rate: 1e-3, decay: 0.01 }) });
  });
  const memoryBytes = Math.max(0, process.memoryUsage().rss - before);
  const ran = opened.value.form;
  await opened.value.close();
  return ok({ ...probe, ran, stepMs, slicesPerSecond: (1000 * batch) / stepMs, memoryBytes });
}

/** Median time of a call: one to warm up, then as many as fit, at least two. */
async function medianMs(ms: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let spent = 0; spent < ms || times.length < 2; ) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
    spent += times.at(-1)!;
  }
  return times.sort((one, other) => one - other)[Math.floor(times.length / 2)]!;
}
