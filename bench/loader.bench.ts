// What the loader costs: steps of the CNN on batches that the loader prepares meanwhile, against one batch over and over.
// npm run bench:loader [-- --json FILE] [-- --rounds N] [-- --steps N]
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, random } from "../src/base/index.ts";
import { openLoader } from "../src/dataset/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingThread } from "../src/runtime/index.ts";
import { standardAugmentation } from "../src/training/config.ts";
import { benchOptions, keepingMemory, machine, median, ratioOf, round3, tell, threads } from "./peers.ts";
import { cachedSlices } from "./slices.ts";

keepingMemory();
const { json, rounds, steps } = benchOptions({ rounds: 40, steps: 6 });
const [batch, size, neighbours, slices] = [32, 128, 3, 800] as const;
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const folder = mkdtempSync(join(tmpdir(), "ichor-loader-"));
const { cache, table } = await cachedSlices(folder, { slices, size });
const network = models.cnn.build({ size, neighbours, width: 16 }, batch);
const program = trainingProgram(network, { optimiser, lossWeights });
const session = must(
  await openTrainingThread(program, initialVectors(program, network, initialise(network, 1)), { threads }),
);

/** Processor time of this process's threads so far, ms; Linux tells it, others do not. */
function threadMs(): ReadonlyMap<string, number> {
  try {
    const timeOf = (thread: string) =>
      Number(readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    return new Map(readdirSync("/proc/self/task").map((thread) => [thread, timeOf(thread) / 1e6]));
  } catch {
    return new Map();
  }
}

let taken = 0;
const scalars = () => optimiserScalars(optimiser, { step: ++taken, rate: 1e-3, decay: 0.01 });
const source = random(1, "bench");
const rowsOf = () => Int32Array.from({ length: batch }, () => Math.floor(source.uniform() * slices));
const others = threadMs();
const loader = openLoader({ cache, table, neighbours, augment: standardAugmentation, seed: 1 });
const ask = () => loader.batch({ rows: rowsOf(), epoch: 1, step: taken });
let constant: Readonly<Record<string, Float32Array>> = { ...(await ask()) };
let next = ask();
await next;
const loaderThreads = [...threadMs().keys()].filter((thread) => !others.has(thread));

const run = {
  async constant() {
    const { feeds } = await session.step({ ...constant, ...scalars() });
    constant = feeds;
  },
  /** A batch is ready before the step and the next one is asked for in it, as in the midst of an epoch. */
  async loaded() {
    const now = await next;
    const stepping = session.step({ ...now, ...scalars() });
    next = ask();
    const { feeds } = await stepping;
    loader.reuse(feeds);
  },
};
type Kind = keyof typeof run;

/** Time of one step, and processor time of the loader's thread in it. */
async function timed(kind: Kind): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const [start, before] = [performance.now(), threadMs()];
  await run[kind]();
  const [ms, after] = [performance.now() - start, threadMs()];
  const used = loaderThreads.map((thread) => (after.get(thread) ?? Number.NaN) - (before.get(thread) ?? Number.NaN));
  return { ms, cpuMs: used.reduce((sum, thread) => sum + thread, 0) };
}

/**
 * Steps of both kinds take turns one by one, so that what else the machine does meets both alike; each goes first as
 * often. A batch is prepared well within the step that asks for it. A round's figure is the mean of its steps.
 */
const ms: Record<Kind, number[]> = { constant: [], loaded: [] };
const loaderMs: number[] = [];
for (let warming = 0; warming < 4; warming++) for (const kind of ["constant", "loaded"] as const) await run[kind]();
for (let round = 0; round < rounds; round++) {
  const sums = { constant: 0, loaded: 0, cpu: 0 };
  for (let step = 0; step < steps; step++)
    for (const kind of step % 2 === 0 ? (["constant", "loaded"] as const) : (["loaded", "constant"] as const)) {
      const { ms: taken, cpuMs } = await timed(kind);
      sums[kind] += taken;
      sums.cpu += cpuMs;
    }
  ms.constant.push(sums.constant / steps);
  ms.loaded.push(sums.loaded / steps);
  loaderMs.push(sums.cpu / steps);
}
await next;
const ratios = ms.loaded.map((time, round) => time / ms.constant[round]!).sort((a, b) => a - b);
tell(
  {
    what: "a step of the CNN on 32 slices with standard augmentation, ms; ratio of loaded to constant batches",
    machine: machine(),
    threads,
    ms: { constant: round3(median(ms.constant)), loaded: round3(median(ms.loaded)) },
    ratio: ratioOf(ms.loaded, ms.constant),
    /** Between which half of the rounds lie. */
    quartiles: [0.25, 0.75].map((part) => round3(ratios[Math.floor(part * ratios.length)]!)),
    /** Of the loader's thread for a batch. */
    loaderCpuMs: round3(median(loaderMs)),
  },
  json,
  { rounds: ms.loaded.map((loaded, round) => ({ constant: ms.constant[round], loaded })) },
);
await session.close();
await loader.close();
cache.close();
rmSync(folder, { recursive: true });
