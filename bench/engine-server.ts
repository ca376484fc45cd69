// Times training steps and forward passes of the benchmark networks in a process of its own, as torch_networks.py does:
// a request a line {"network": index, "what": "train" | "infer", "steps": n}, or {"model": path, "what": "detect", "shape":
// [slices, neighbours, rows, columns], "steps": n}; an answer a line {"ms": [...], ...}.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, random, shaped, sizeOf } from "../src/base/index.ts";
import { initialise, openDetector } from "../src/models/index.ts";
import { withConstants } from "../src/onnx/index.ts";
import { openForward, openTrainingSession } from "../src/runtime/index.ts";
import { type BenchNetwork, batch, buildNetwork, classes, networks } from "./networks.ts";

const threads = Number(process.env["BENCH_THREADS"] ?? 2);
const optimiser = { kind: "sgd", momentum: 0.9 } as const;

interface Stepper {
  readonly form: string;
  readonly compileMs: number;
  step(): Promise<unknown>;
}

const noise = (length: number, seed: number) => {
  const source = random(seed, "bench");
  return Float32Array.from({ length }, () => source.normal());
};

async function trainer(spec: BenchNetwork): Promise<Stepper> {
  const start = performance.now();
  const network = buildNetwork(spec);
  const program = trainingProgram(network, { optimiser, lossWeights: Array.from({ length: classes }, () => 1) });
  const initial = initialVectors(program, network, initialise(network, 1));
  const session = must(await openTrainingSession(program, initial, { threads }));
  const image = noise(batch * 3 * spec.size ** 2, 1);
  const labels = noise(batch * classes, 2).map((x) => (x > 0 ? 1 : 0));
  const compileMs = performance.now() - start;
  let step = 0;
  return {
    form: session.form,
    compileMs,
    step: () =>
      session.step({ image, labels, ...optimiserScalars(optimiser, { step: ++step, rate: 1e-3, decay: 1e-4 }) }),
  };
}

/** The forward graph with its parameters as constants, as a detector file has it. */
async function reader(spec: BenchNetwork): Promise<Stepper> {
  const start = performance.now();
  const network = buildNetwork(spec);
  const model = { graph: withConstants(network, initialise(network, 1)), functions: [], metadata: {} };
  const executor = must(await openForward(model, { threads }));
  const image = shaped(noise(batch * 3 * spec.size ** 2, 1), [batch, 3, spec.size, spec.size]);
  return { form: "inference", compileMs: performance.now() - start, step: () => executor.run({ image }) };
}

/** A detector file as `ichor predict` runs it. */
async function detector(model: string, shape: readonly number[]): Promise<Stepper> {
  const start = performance.now();
  const opened = must(await openDetector(model, { threads }));
  const hu = noise(sizeOf(shape), 1).map((x) => 60 * x + 30);
  return { form: "detector", compileMs: performance.now() - start, step: () => opened.score(hu, shape[0] ?? 1) };
}

const peakMb = () =>
  Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1024);

type Request = { readonly steps: number } & (
  | { readonly what: "train" | "infer"; readonly network: number }
  | { readonly what: "detect"; readonly model: string; readonly shape: readonly number[] }
);

async function open(request: Request): Promise<Stepper> {
  if (request.what === "detect") return detector(request.model, request.shape);
  const spec = networks[request.network];
  if (spec === undefined) throw new Error(`there is no network ${request.network}`);
  return (request.what === "train" ? trainer : reader)(spec);
}

const known = new Map<string, Stepper>();
for await (const line of createInterface({ input: process.stdin })) {
  const request: Request = JSON.parse(line);
  const key = request.what === "detect" ? request.model : `${request.what} ${request.network}`;
  const stepper = known.get(key) ?? (await open(request));
  known.set(key, stepper);
  const ms: number[] = [];
  for (let step = 0; step < request.steps; step++) {
    const start = performance.now();
    await stepper.step();
    ms.push(performance.now() - start);
  }
  console.log(JSON.stringify({ ms, form: stepper.form, compileMs: Math.round(stepper.compileMs), peakMb: peakMb() }));
}
