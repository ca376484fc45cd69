import type { Augmentation } from "./augment.ts";
import type { SliceCache } from "./cache.ts";
import type { BatchPlan } from "./epoch.ts";
import type { SliceTable } from "./table.ts";

/** What a loader reads from and how. */
export interface LoaderOptions {
  readonly cache: SliceCache;
  readonly table: Pick<SliceTable, "count" | "seriesIndex" | "labels">;
  /** Channels: the slice and its neighbours in the series, centred. */
  readonly neighbours: 1 | 3 | 5;
  readonly augment: Augmentation | "none";
  readonly seed: number;
}

/** One batch, as a network takes it. */
export interface Batch {
  /** [N, K, S, S]: HU (or stored values). */
  readonly hu: Float32Array;
  /** [N, 6]; NaN where a slice has no label. */
  readonly labels: Float32Array;
}

/** Prepares batches on its own thread. */
export interface Loader {
  /** Ask for the next batch before the step on the current one: it is prepared meanwhile, in the order of asking. */
  batch(plan: BatchPlan): Promise<Batch>;
  close(): Promise<void>;
}

/** Opens a loader. */
export function openLoader(options: LoaderOptions): Loader {
  throw new Error(`unfinished: ${options.seed}`);
}
