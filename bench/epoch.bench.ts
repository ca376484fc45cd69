// One epoch of the CNN on 800 slices (25 steps of 32) beside PyTorch's (Debian's python3-torch), interleaved in rounds.
// npm run bench:epoch [-- --json FILE] [-- --rounds N]
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, random } from "../src/base/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingSession } from "../src/runtime/index.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, rounds: { type: "string", default: "5" } } });
const settings = { batch: 32, size: 128, neighbours: 3, width: 16, threads: 2 };
const stepsAnEpoch = 800 / settings.batch;
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

async function openOurs(form: "portable" | "fastest") {
  const network = models.cnn.build(settings, settings.batch);
  const program = trainingProgram(network, { optimiser, lossWeights });
  const initial = initialVectors(program, network, initialise(network, 1));
  const session = must(await openTrainingSession(program, initial, { threads: settings.threads, form }));
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

function openTorch() {
  const child = spawn(
    "/usr/bin/python3",
    [new URL("../test/oracles/torch_cnn.py", import.meta.url).pathname, "bench", JSON.stringify(settings)],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, OMP_NUM_THREADS: String(settings.threads) },
    },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => JSON.parse(String((await lines.next()).value)) as { version?: string; ms: number[] };
  return {
    version: answer(),
    async epoch(format: string, steps: number) {
      child.stdin.write(`${JSON.stringify({ format, steps })}\n`);
      return (await answer()).ms;
    },
    close: () => child.stdin.end(),
  };
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const total = (numbers: readonly number[]) => numbers.reduce((sum, ms) => sum + ms, 0);
const pause = () => new Promise((resolve) => setTimeout(resolve, 100)); // lets the other's spinning threads go to sleep

const [ours, portable, torch] = [await openOurs("fastest"), await openOurs("portable"), openTorch()];
const torchVersion = (await torch.version).version;
const runs = {
  ichor: (steps: number) => ours.epoch(steps),
  portable: (steps: number) => portable.epoch(steps),
  torchChannelsLast: (steps: number) => torch.epoch("channels_last", steps),
  torchContiguous: (steps: number) => torch.epoch("contiguous", steps),
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
  torch: torchVersion,
  ms: Object.fromEntries(names.map((name) => [name, Math.round(median(epochs[name]))])),
  ratioChannelsLast: ratioTo("torchChannelsLast"),
  ratioContiguous: ratioTo("torchContiguous"),
  ratioPortable: ratioTo("portable"),
};
console.log(JSON.stringify(report));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
process.exit(0);
