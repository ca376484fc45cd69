// Steps of the CNN on 32 slices: one session with two threads, against two workers with one thread each, and four pieces.
// npm run bench:workers [-- --json FILE] [-- --rounds N]
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
import { benchOptions, machine, median, race, ratioOf, round3, tell, threads } from "./peers.ts";

const { json, rounds, steps } = benchOptions({ rounds: 7, steps: 5 });
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
const source = random(1, "bench");
const hu = Float32Array.from({ length: batch * neighbours * size ** 2 }, () => source.normal() * 60 + 30);
const labels = Float32Array.from({ length: batch * 6 }, () => (source.uniform() > 0.7 ? 1 : 0));
let taken = 0;
const stepsOf = (session: TrainingSession) => async (count: number) => {
  const times: number[] = [];
  for (let step = 0; step < count; step++) {
    const scalars = optimiserScalars(optimiser, { step: ++taken, rate: 1e-3, decay: 0.01 });
    const feeds = { hu: hu.slice(), labels: labels.slice(), ...scalars };
    const start = performance.now();
    await session.step(feeds);
    times.push(performance.now() - start);
  }
  return { ms: times };
};
const { ms } = await race(
  {
    whole: stepsOf(sessions.whole),
    twoWorkers: stepsOf(sessions.twoWorkers),
    fourPieces: stepsOf(sessions.fourPieces),
  },
  { rounds, steps },
);
tell(
  {
    what: "a step of the CNN on 32 slices, ms; ratios to one session on the whole batch",
    machine: machine(),
    threads,
    ms: Object.fromEntries(Object.entries(ms).map(([name, times]) => [name, round3(median(times))])),
    ratios: { twoWorkers: ratioOf(ms.twoWorkers, ms.whole), fourPieces: ratioOf(ms.fourPieces, ms.whole) },
  },
  json,
);
for (const session of Object.values(sessions)) await session.close();
