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
import { benchOptions, keepingMemory, machine, median, race, ratioOf, round3, tell, threads } from "./peers.ts";
import { cachedSlices } from "./slices.ts";

keepingMemory();
const { json, rounds, steps } = benchOptions({ rounds: 25, steps: 6 });
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

/** The mean step of a turn, since what the loader costs may fall between two steps, and its processor time a step. */
const timed = async (count: number, step: () => Promise<void>) => {
  const [start, before] = [performance.now(), threadMs()];
  for (let at = 0; at < count; at++) await step();
  const [ms, after] = [performance.now() - start, threadMs()];
  const used = loaderThreads.map((thread) => (after.get(thread) ?? Number.NaN) - (before.get(thread) ?? Number.NaN));
  loaderMs.push(used.reduce((sum, thread) => sum + thread, 0) / count);
  return { ms: [ms / count] };
};
const loaderMs: number[] = [];
const { ms } = await race(
  {
    constant: (count: number) =>
      timed(count, async () => {
        const { feeds } = await session.step({ ...constant, ...scalars() });
        constant = feeds;
      }),
    // A batch is always ready before a turn and one is asked for in each step, as in the midst of an epoch.
    loaded: (count: number) =>
      timed(count, async () => {
        const now = await next;
        next = ask();
        const { feeds } = await session.step({ ...now, ...scalars() });
        loader.reuse(feeds);
      }),
  },
  { rounds, steps },
);
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
    loaderCpuMs: round3(median(loaderMs.filter((_, turn) => turn % 2 === 1))),
  },
  json,
  { rounds: ms.loaded.map((loaded, round) => ({ constant: ms.constant[round], loaded })) },
);
await session.close();
await loader.close();
cache.close();
rmSync(folder, { recursive: true });
