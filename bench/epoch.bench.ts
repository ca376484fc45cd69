// One epoch of the CNN on 800 slices (25 steps of 32) beside PyTorch's (Debian's python3-torch), interleaved in rounds.
// npm run bench:epoch [-- --json FILE] [-- --rounds N]
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, random } from "../src/base/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingSession } from "../src/runtime/index.ts";
import { median, openTorchCnn, pause, threads } from "./peers.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, rounds: { type: "string", default: "5" } } });
const settings = { batch: 32, size: 128, neighbours: 3, width: 16 } as const;
const stepsAnEpoch = 800 / settings.batch;
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

async function openOurs(form: "portable" | "fastest") {
  const network = models.cnn.build(settings, settings.batch);
  const program = trainingProgram(network, { optimiser, lossWeights });
  const initial = initialVectors(program, network, initialise(network, 1));
  const session = must(await openTrainingSession(program, initial, { threads, form }));
  const source = random(1, "bench");
  const pixels = settings.batch * settings.neighbours * settings.size ** 2;
  const hu = Float32Array.from({ length: pixels }, () => source.normal() * 60 + 30);
  const labels = Float32Array.from({ length: settings.batch * 6 }, () => (source.uniform() > 0.7 ? 1 : 0));
  let step = 0;
  const epoch = async (steps: number) => {
    const times: number[] = [];
    for (let taken = 0; taken < steps; taken++) {
      const start = performance.now();
      await session.step({ hu, labels, ...optimiserScalars(optimiser, { step: ++step, rate: 1e-3, decay: 0.01 }) });
      times.push(performance.now() - start);
    }
    return times;
  };
  return { form: session.form, epoch };
}

const total = (numbers: readonly number[]) => numbers.reduce((sum, ms) => sum + ms, 0);

const [ours, portable, torch] = [await openOurs("fastest"), await openOurs("portable"), openTorchCnn(settings)];
const theirs = (format: string) => async (steps: number) =>
  (await torch.ask<{ ms: readonly number[]; version: string }>({ what: "train", format, steps })).ms;
const runs = {
  ichor: (steps: number) => ours.epoch(steps),
  portable: (steps: number) => portable.epoch(steps),
  torchChannelsLast: theirs("channels_last"),
  torchContiguous: theirs("contiguous"),
};
type Runner = keyof typeof runs;
const names = Object.keys(runs) as Runner[];
for (const name of names) await runs[name](3);
const epochs: Record<Runner, number[]> = { ichor: [], portable: [], torchChannelsLast: [], torchContiguous: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  for (const name of names) {
    await pause();
    epochs[name].push(total(await runs[name](stepsAnEpoch)));
  }
}
torch.close();
const ratioTo = (peer: Runner) => median(epochs.ichor.map((ms, round) => ms / epochs[peer][round]!));
const report = {
  what: "one epoch of the CNN on 800 slices, ms (median of rounds)",
  settings,
  machine: cpus()[0]?.model,
  form: ours.form,
  threads,
  ms: Object.fromEntries(names.map((name) => [name, Math.round(median(epochs[name]))])),
  ratioChannelsLast: ratioTo("torchChannelsLast"),
  ratioContiguous: ratioTo("torchContiguous"),
  ratioPortable: ratioTo("portable"),
};
console.log(JSON.stringify(report));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
process.exit(0);
