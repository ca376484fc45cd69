// What the loader costs: steps of the CNN on batches that the loader prepares meanwhile, against one batch over and over.
// npm run bench:loader [-- --json FILE] [-- --rounds N]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, random } from "../src/base/index.ts";
import { openLoader } from "../src/dataset/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingThread } from "../src/runtime/index.ts";
import { standardAugmentation } from "../src/training/config.ts";
import { machine, median, pause, round3, threads } from "./peers.ts";
import { cachedSlices } from "./slices.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, rounds: { type: "string", default: "7" } } });
const [batch, size, neighbours, steps] = [32, 128, 3, 10] as const;
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
const runs = {
  async constant() {
    for (let step = 0; step < steps; step++)
      await session.step({ hu: same.hu.slice(), labels: same.labels.slice(), ...scalars() });
  },
  async loaded() {
    let next = loader.batch({ rows: rowsOf(), epoch: 1, step: 0 });
    for (let step = 0; step < steps; step++) {
      const now = await next;
      next = loader.batch({ rows: rowsOf(), epoch: 1, step: step + 1 });
      await session.step({ ...now, ...scalars() });
    }
    await next;
  },
};
const ms: Record<keyof typeof runs, number[]> = { constant: [], loaded: [] };
for (let round = -1; round < Number(values.rounds); round++) {
  for (const name of ["constant", "loaded"] as const) {
    await pause();
    const start = performance.now();
    await runs[name]();
    if (round >= 0) ms[name].push((performance.now() - start) / steps);
  }
}
const report = {
  what: "a step of the CNN on 32 slices with standard augmentation, ms; ratio of loaded to constant batches",
  machine: machine(),
  threads,
  ms: { constant: round3(median(ms.constant)), loaded: round3(median(ms.loaded)) },
  ratio: round3(median(ms.loaded.map((mine, round) => mine / ms.constant[round]!))),
};
console.log(JSON.stringify(report));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
await session.close();
await loader.close();
cache.close();
rmSync(folder, { recursive: true });
