import type { TrainingRate } from "./doctor-measure.ts";

/** What a resolution costs, worked out from one that was measured: time and memory go with the pixels. */
export interface ResolutionCost {
  /** Rows and columns of a slice. */
  readonly size: number;
  /** An epoch's training steps, seconds: of 1,000 slices and of 100,000. */
  readonly epoch1000Seconds: number;
  readonly epoch100000Seconds: number;
  /** Memory of a training, bytes. */
  readonly memoryBytes: number;
  /** The cache of 1,000 slices on disk, bytes: 16 bits a pixel. */
  readonly cache1000Bytes: number;
}

/** What the measurements speak for. */
export interface Advice {
  readonly threads: number;
  readonly provider: string;
  readonly batchSize: number;
  readonly size: number;
  readonly resolutions: readonly ResolutionCost[];
}

/** A thread more should bring this much. */
const worthwhile = 1.05;
/** An epoch of 1,000 slices should be done in so many seconds. */
const patience = 60;
/** Of the free memory, for the loader and others want some too. */
const memoryShare = 0.5;
/** Memory of a training besides its steps, bytes: Node, the loader, the index. */
const baseMemory = 300e6;
const sizes = [128, 192, 256, 384, 512];

/** Rates: one training at several numbers of threads; beside: a smaller one on each provider. */
export interface Rates {
  readonly main: readonly TrainingRate[];
  readonly beside: readonly TrainingRate[];
}

/** Recommends threads, provider, batch and resolution. Undefined where no training could be timed. */
export function advise({ main, beside }: Rates, freeMemory: number): Advice | undefined {
  const [fewest, ...more] = [...main].sort((one, other) => one.threads - other.threads);
  if (fewest === undefined) return undefined;
  let best = fewest;
  for (const rate of more) if (rate.slicesPerSecond > worthwhile * best.slicesPerSecond) best = rate;
  const memory = Math.max(...main.map(({ memoryBytes }) => memoryBytes));
  const room = Math.max(0, memoryShare * freeMemory - baseMemory);
  let batchSize = best.batch;
  while (batchSize > 1 && (memory * batchSize) / best.batch > room) batchSize = Math.floor(batchSize / 2);
  const resolutions = sizes.map((size): ResolutionCost => {
    const pixels = (size / best.size) ** 2;
    const slice = pixels / best.slicesPerSecond;
    return {
      size,
      epoch1000Seconds: 1e3 * slice,
      epoch100000Seconds: 1e5 * slice,
      memoryBytes: baseMemory + (memory * pixels * batchSize) / best.batch,
      cache1000Bytes: 1e3 * 2 * size ** 2,
    };
  });
  const fits = resolutions.filter(
    ({ epoch1000Seconds, memoryBytes }) => epoch1000Seconds <= patience && memoryBytes <= memoryShare * freeMemory,
  );
  const provider = [...beside].sort((one, other) => other.slicesPerSecond - one.slicesPerSecond)[0]?.provider;
  return {
    threads: best.threads,
    provider: provider ?? best.provider,
    batchSize,
    size: fits.at(-1)?.size ?? sizes[0]!,
    resolutions,
  };
}
