import { arch, availableParallelism, cpus, loadavg, release, type as systemName, totalmem } from "node:os";
import { fail, ok, type Problem, type Progress, type Result } from "../../base/index.ts";
import { models } from "../../models/index.ts";
import { probeBlock } from "../../runtime/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { show } from "../output.ts";
import { advise } from "./doctor-advice.ts";
import { canRead, measureDisk } from "./doctor-disk.ts";
import { measureProduct, measureTraining, type TrainingProbe } from "./doctor-measure.ts";
import { probeProviders } from "./doctor-providers.ts";
import type { DoctorReport } from "./doctor-report.ts";
import { doctorText } from "./doctor-text.ts";

/** Flags of `ichor doctor`. */
export interface DoctorFlags extends CommonFlags {
  readonly seconds: number;
  readonly data?: string;
}

/** `ichor doctor`. */
export async function runDoctor(this: Context, flags: DoctorFlags): Promise<void> {
  show(this, await examine(flags, this), { flags, text: doctorText });
}

/** Shares of the time that a measurement gets, and how often it is taken. */
const shares = { product: 0.08, training: 0.2, beside: 0.07, disk: 0.08 };

async function examine(
  { threads, seconds, data }: DoctorFlags,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<Result<DoctorReport>> {
  const readable = canRead(data);
  if (readable.kind === "problem") return readable;
  const load = loadavg()[0] ?? 0;
  const probing = progress.start("Trying providers", 1);
  const providers = await probeProviders();
  const usable = providers.filter(({ missing }) => missing === undefined).map(({ name }) => name);
  const block = usable.includes("cpu") ? await probeBlock() : undefined;
  probing.done();

  const counts = [...new Set([1, Math.ceil(threads / 2), threads])];
  const main = { size: models.cnn.preprocessing.size, batch: models.cnn.defaults.batchSize };
  const trainings: TrainingProbe[] = usable.includes("cpu")
    ? counts.map((count) => ({ ...main, threads: count, provider: "cpu", form: "fastest" }))
    : [];
  const small = { size: 64, batch: 8, threads };
  const beside: TrainingProbe[] = usable.flatMap((provider) => {
    const portable = { ...small, provider, form: "portable" } as const;
    return provider === "cpu" && block !== undefined ? [{ ...portable, form: "fastest" }, portable] : [portable];
  });

  const task = progress.start("Measuring", counts.length + trainings.length + beside.length + 1);
  const problems: Problem[] = [];
  /** Measures one by one, as long as nobody interrupts. */
  const each = async <Item, Value>(items: readonly Item[], measure: (item: Item) => Promise<Result<Value>>) => {
    const values: Value[] = [];
    for (const item of items) {
      if (signal.aborted) break;
      const measured = await measure(item);
      if (measured.kind === "ok") values.push(measured.value);
      else problems.push(measured.problem);
      task.advance(1);
    }
    return values;
  };
  const ms = (share: number) => 1000 * seconds * share;
  const spread = (share: number, items: readonly unknown[]) => ms(share) / Math.max(1, items.length);
  const measured = {
    product: await each(usable.includes("cpu") ? counts : [], async (count) => {
      const gflops = await measureProduct(count, ms(shares.product));
      return gflops.kind === "ok" ? ok({ threads: count, gflops: gflops.value }) : gflops;
    }),
    training: await each(trainings, (probe) => measureTraining(probe, spread(2 * shares.training, trainings))),
    beside: await each(beside, (probe) => measureTraining(probe, ms(shares.beside))),
    disk: (await each([data], async (folder) => measureDisk(folder, ms(shares.disk))))[0],
  };
  task.done();
  if (signal.aborted) return fail(interrupted);
  const { disk, ...rates } = measured;
  const freeMemoryBytes = process.availableMemory();
  const advice = advise({ main: rates.training, beside: rates.beside }, freeMemoryBytes);
  return ok({
    machine: {
      node: process.versions.node,
      system: `${systemName()} ${release()} ${arch()}`,
      processor: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      freeMemoryBytes,
      load,
      ...(block === undefined ? {} : { block }),
    },
    providers,
    measured: { ...rates, ...(disk === undefined ? {} : { disk }), problems },
    ...(advice === undefined ? {} : { advice }),
  });
}

const interrupted: Problem = {
  kind: "interrupted",
  where: "measuring",
  got: "an interrupt",
  expected: "some ten seconds",
  next: "run it again, with --seconds 1 for a hasty answer",
};
