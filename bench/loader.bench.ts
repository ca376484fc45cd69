// What batches cost: steps of the CNN on batches as a training makes them, against one batch over and over.
// npm run bench:loader [-- --json FILE] [-- --rounds N] [-- --steps N] [-- --heldMb 0, to read each batch anew]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, random } from "../src/base/index.ts";
import { openLoader } from "../src/dataset/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingThread } from "../src/runtime/index.ts";
import { type ComingBatch, openBatchSource } from "../src/training/batch-source.ts";
import { standardAugmentation } from "../src/training/config.ts";
import { openStepThread } from "../src/training/engine.ts";
import { benchOptions, keepingMemory, machine, median, ratioOf, round3, tell, threads } from "./peers.ts";
import { cachedSlices } from "./slices.ts";

keepingMemory();
const { json, rounds, steps, heldMb } = benchOptions({ rounds: 120, steps: 6, heldMb: 256 });
const [batch, size, neighbours, slices] = [32, 128, 3, 800] as const;
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const folder = mkdtempSync(join(tmpdir(), "ichor-loader-"));
const { cache, table } = await cachedSlices(folder, { slices, size });
const network = models.cnn.build({ size, neighbours, width: 16 }, batch);
const program = trainingProgram(network, { optimiser, lossWeights });
const options = { threads, openThread: openStepThread };
const session = must(
  await openTrainingThread(program, initialVectors(program, network, initialise(network, 1)), options),
);

let taken = 0;
const scalars = () => optimiserScalars(optimiser, { step: ++taken, rate: 1e-3, decay: 0.01 });
const source = random(1, "bench");
const rowsOf = () => Int32Array.from({ length: batch }, () => Math.floor(source.uniform() * slices));
const from = { cache, table, neighbours, augment: standardAugmentation, seed: 1, mostHeldBytes: heldMb * 2 ** 20 };
const batches = openBatchSource(from, { threads });

type Kind = "constant" | "loaded";
const loader = openLoader(from);
let constant: Readonly<Record<string, Float32Array>> = {
  ...(await loader.batch({ rows: rowsOf(), epoch: 1, step: 0 })),
};
await loader.close();
let next: ComingBatch | undefined;

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** One step; it names the batch of the step after it where that is a loaded one, as in the midst of an epoch. */
async function take(kind: Kind, following: Kind) {
  const now = kind === "loaded" ? next : undefined;
  next = following === "loaded" ? batches.ask({ rows: rowsOf(), epoch: 1, step }) : undefined;
  const batch = await (now?.feeds ?? constant);
  const { feeds } = await session.step({ ...batch, ...scalars() }, { now: now?.made, next: next?.made });
  if (now === undefined) constant = feeds;
  else batches.reuse(feeds);
}

/**
 * Four steps of one kind, then four of the other. A step is timed from the answer of the one before it to its own. A batch
 * is made once the answer of the step before is on its way, so its making holds up the step that it is for, and it may
 * hold up that answer: so the last of the four, which the other kind follows, is not counted. Reading would begin in the
 * step before; here nearly all slices are held after the first rounds. A round's figure is the mean of its steps.
 */
const inTurn = 4;
const kindOf = (step: number): Kind => (Math.floor(step / inTurn) % 2 === 0 ? "constant" : "loaded");
const ms: Record<Kind, number[]> = { constant: [], loaded: [] };
let step = 0;
for (; step < 4 * inTurn; step++) await take(kindOf(step), kindOf(step + 1)); // to warm up
for (let round = 0; round < rounds; round++) {
  const counted: Record<Kind, number[]> = { constant: [], loaded: [] };
  while (counted.loaded.length < steps) {
    const [kind, following, start] = [kindOf(step), kindOf(step + 1), performance.now()];
    await take(kind, following);
    if (following === kind) counted[kind].push(performance.now() - start);
    step++;
  }
  for (const kind of ["constant", "loaded"] as const) ms[kind].push(mean(counted[kind]));
}
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
  },
  json,
  { rounds: ms.loaded.map((loaded, round) => ({ constant: ms.constant[round], loaded })) },
);
await session.close();
await batches.close();
cache.close();
rmSync(folder, { recursive: true });
