// Memory and time of a step of the CNN with the forward pass kept whole and computed again in segments: counted over the
// portable graph, and by how much the highest resident memory of a process that takes four steps exceeds what it held
// before the first. Linux only: reads /proc.
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

/** 0: as without the option; 1: in the written order, nothing twice. */
const segmentsTried = [0, 1, 2, 3, 4];
type Measured = { readonly residentMb: number; readonly stepMs: number };

const programOf = (batch: number, segments: number) => {
  const network = models.cnn.build({ size, neighbours, width: 16 }, batch);
  const program = trainingProgram(network, { optimiser, lossWeights, ...(segments > 0 ? { segments } : {}) });
  return { network, program };
};

/** Four steps in this process; prints how far its resident memory rose in MB, and the processor's time of the fastest step. */
async function measure(batch: number, segments: number, form: Form): Promise<void> {
  const { network, program } = programOf(batch, segments);
  const initial = initialVectors(program, network, initialise(network, 1));
  const session = must(await openTrainingSession(program, initial, { threads: 1, form }));
  const source = random(1, "bench");
  const hu = Float32Array.from({ length: batch * neighbours * size ** 2 }, () => source.uniform() * 100);
  const labels = Float32Array.from({ length: batch * 6 }, () => (source.uniform() > 0.7 ? 1 : 0));
  const before = megabytes("VmRSS");
  const times: number[] = []; // of the processor, not of the clock: others may be at work
  for (let step = 1; step <= 4; step++) {
    const start = process.cpuUsage();
    await session.step({ hu, labels, ...optimiserScalars(optimiser, { step, rate: 1e-3, decay: 0 }) });
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
  }
  const measured: Measured = { residentMb: megabytes("VmHWM") - before, stepMs: Math.round(Math.min(...times)) };
  console.log(JSON.stringify(measured));
}

function megabytes(field: "VmRSS" | "VmHWM"): number {
  const kilobytes = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

const asked = process.env["BENCH_RECOMPUTE"]?.split(" ");
if (asked !== undefined) {
  await measure(Number(asked[0]), Number(asked[1]), asked[2] as Form);
  process.exit(0);
}

const { json } = benchOptions({ rounds: 1, steps: 3 });
const measuredIn = (batch: number, segments: number, form: Form): Measured => {
  const env = { ...process.env, BENCH_RECOMPUTE: `${batch} ${segments} ${form}` };
  const run = spawnSync(process.execPath, ["--import", "tsx", import.meta.filename], { env, encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Measured;
};
const counted = (batch: number, segments: number) =>
  Math.round(peakBytes(programOf(batch, segments).program.model.graph) / 1e6);
const rows = [16, 32].flatMap((batch) =>
  (["portable", "fastest"] as const).flatMap((form) =>
    segmentsTried.map((segments) => ({
      slices: batch,
      form,
      segments: segments === 0 ? "none" : segments,
      countedMb: counted(batch, segments),
      ...measuredIn(batch, segments, form),
    })),
  ),
);
tell({ what: "memory of a step of the CNN at 256²", machine: machine(), rows }, json);
