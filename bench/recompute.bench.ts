// Memory of a step of the CNN with the forward pass kept whole and computed again in three segments: counted over the
// portable graph, and the highest resident memory of a process that takes three steps. Linux only: reads /proc.
// npm run bench:recompute [-- --json FILE]
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { peakBytes } from "../src/autodiff/recompute.ts";
import { must, random } from "../src/base/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingSession } from "../src/runtime/index.ts";
import { benchOptions, machine, tell } from "./peers.ts";

const [size, neighbours] = [256, 3];
const optimiser = { kind: "sgd", momentum: 0.9 } as const;
type Form = "portable" | "fastest";

const programOf = (batch: number, segments: number) => {
  const network = models.cnn.build({ size, neighbours, width: 16 }, batch);
  const program = trainingProgram(network, { optimiser, lossWeights, ...(segments > 1 ? { segments } : {}) });
  return { network, program };
};

/** Three steps in this process; prints its highest resident memory in MB. */
async function measure(batch: number, segments: number, form: Form): Promise<void> {
  const { network, program } = programOf(batch, segments);
  const initial = initialVectors(program, network, initialise(network, 1));
  const session = must(await openTrainingSession(program, initial, { threads: 1, form }));
  const source = random(1, "bench");
  const hu = Float32Array.from({ length: batch * neighbours * size ** 2 }, () => source.uniform() * 100);
  const labels = Float32Array.from({ length: batch * 6 }, () => (source.uniform() > 0.7 ? 1 : 0));
  for (let step = 1; step <= 3; step++)
    await session.step({ hu, labels, ...optimiserScalars(optimiser, { step, rate: 1e-3, decay: 0 }) });
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  console.log(Math.round(Number(kilobytes) / 1024));
}

const asked = process.env["BENCH_RECOMPUTE"]?.split(" ");
if (asked !== undefined) {
  await measure(Number(asked[0]), Number(asked[1]), asked[2] as Form);
  process.exit(0);
}

const { json } = benchOptions({ rounds: 1, steps: 3 });
const resident = (batch: number, segments: number, form: Form): number => {
  const env = { ...process.env, BENCH_RECOMPUTE: `${batch} ${segments} ${form}` };
  const run = spawnSync(process.execPath, ["--import", "tsx", import.meta.filename], { env, encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
  return Number(run.stdout);
};
const counted = (batch: number, segments: number) =>
  Math.round(peakBytes(programOf(batch, segments).program.model.graph) / 1e6);
const rows = [16, 32].flatMap((batch) =>
  (["portable", "fastest"] as const).map((form) => ({
    slices: batch,
    form,
    countedMb: { whole: counted(batch, 1), threeSegments: counted(batch, 3) },
    residentMb: { whole: resident(batch, 1, form), threeSegments: resident(batch, 3, form) },
  })),
);
tell({ what: "memory of a step of the CNN at 256²", machine: machine(), rows }, json);
