// Steps of the CNN on 32 slices: one session with two threads, against two workers with one thread each, and four pieces.
// npm run bench:workers [-- --json FILE] [-- --rounds N]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  gradientProgram,
  initialVectors,
  optimiserScalars,
  trainingProgram,
  updateProgram,
} from "../src/autodiff/index.ts";
import { must, random } from "../src/base/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openSharedSession, openTrainingThread, type TrainingSession } from "../src/runtime/index.ts";
import { machine, median, pause, round3, threads } from "./peers.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, rounds: { type: "string", default: "7" } } });
const [batch, size, neighbours] = [32, 128, 3];
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

const build = (slices: number) => models.cnn.build({ size, neighbours, width: 16 }, slices);
const whole = build(batch);
const program = trainingProgram(whole, { optimiser, lossWeights });
const initial = initialVectors(program, whole, initialise(whole, 1));

async function shared(pieces: number, workers: number): Promise<TrainingSession> {
  const gradient = gradientProgram(build(batch / pieces), { lossWeights });
  const update = updateProgram(initial["parameters"]!.length, { optimiser });
  return must(await openSharedSession({ gradient, update }, initial, { pieces, workers, threads }));
}

const sessions = {
  whole: must(await openTrainingThread(program, initial, { threads })),
  twoWorkers: await shared(2, 2),
  fourPieces: await shared(4, 1),
};
type Name = keyof typeof sessions;
const source = random(1, "bench");
const hu = Float32Array.from({ length: batch * neighbours * size ** 2 }, () => source.normal() * 60 + 30);
const labels = Float32Array.from({ length: batch * 6 }, () => (source.uniform() > 0.7 ? 1 : 0));
const names = Object.keys(sessions) as Name[];
const ms = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
for (let round = -1; round < Number(values.rounds); round++) {
  for (const name of names) {
    await pause();
    const times: number[] = [];
    for (let step = 1; step <= 5; step++) {
      const feeds = {
        hu: hu.slice(),
        labels: labels.slice(),
        ...optimiserScalars(optimiser, { step, rate: 1e-3, decay: 0.01 }),
      };
      const start = performance.now();
      await sessions[name].step(feeds);
      times.push(performance.now() - start);
    }
    if (round >= 0) ms[name].push(median(times));
  }
}
const ratio = (name: Name) => round3(median(ms[name].map((mine, round) => mine / ms.whole[round]!)));
const report = {
  what: "a step of the CNN on 32 slices, ms; ratios to one session on the whole batch",
  machine: machine(),
  threads,
  ms: Object.fromEntries(names.map((name) => [name, round3(median(ms[name]))])),
  ratios: { twoWorkers: ratio("twoWorkers"), fourPieces: ratio("fourPieces") },
};
console.log(JSON.stringify(report));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
for (const name of names) await sessions[name].close();
