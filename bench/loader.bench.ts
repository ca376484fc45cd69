// What the loader costs: steps of the CNN on batches that the loader prepares meanwhile, against one batch over and over.
// npm run bench:loader [-- --json FILE] [-- --rounds N]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, random } from "../src/base/index.ts";
import { openLoader } from "../src/dataset/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingThread } from "../src/runtime/index.ts";
import { standardAugmentation } from "../src/training/config.ts";
import { benchOptions, machine, median, race, ratioOf, round3, tell, threads } from "./peers.ts";
import { cachedSlices } from "./slices.ts";

const { json, rounds, steps } = benchOptions({ rounds: 7, steps: 10 });
const [batch, size, neighbours] = [32, 128, 3] as const;
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const folder = mkdtempSync(join(tmpdir(), "ichor-loader-"));
const { cache, table } = await cachedSlices(folder, { slices: 800, size });
const loader = openLoader({ cache, table, neighbours, augment: standardAugmentation, seed: 1 });
const network = models.cnn.build({ size, neighbours, width: 16 }, batch);
const program = trainingProgram(network, { optimiser, lossWeights });
const session = must(
  await openTrainingThread(program, initialVectors(program, network, initialise(network, 1)), { threads }),
);
let taken = 0;
const scalars = () => optimiserScalars(optimiser, { step: ++taken, rate: 1e-3, decay: 0.01 });
const source = random(1, "bench");
const rowsOf = () => Int32Array.from({ length: batch }, () => Math.floor(source.uniform() * 800));
const same = await loader.batch({ rows: rowsOf(), epoch: 1, step: 0 });
/** The mean step of a turn, since what the loader costs may fall between two steps. */
const timed = async (steps: number, turn: () => Promise<void>) => {
  const start = performance.now();
  await turn();
  return { ms: [(performance.now() - start) / steps] };
};
const { ms } = await race(
  {
    constant: (count: number) =>
      timed(count, async () => {
        for (let step = 0; step < count; step++)
          await session.step({ hu: same.hu.slice(), labels: same.labels.slice(), ...scalars() });
      }),
    loaded: (count: number) =>
      timed(count, async () => {
        let next = loader.batch({ rows: rowsOf(), epoch: 1, step: 0 });
        for (let step = 0; step < count; step++) {
          const now = await next;
          next = loader.batch({ rows: rowsOf(), epoch: 1, step: step + 1 });
          await session.step({ ...now, ...scalars() });
        }
        await next;
      }),
  },
  { rounds, steps },
);
tell(
  {
    what: "a step of the CNN on 32 slices with standard augmentation, ms; ratio of loaded to constant batches",
    machine: machine(),
    threads,
    ms: { constant: round3(median(ms.constant)), loaded: round3(median(ms.loaded)) },
    ratio: ratioOf(ms.loaded, ms.constant),
  },
  json,
);
await session.close();
await loader.close();
cache.close();
rmSync(folder, { recursive: true });
