import { labelCount } from "../labels/index.ts";
import { openPool } from "../machine/index.ts";
import type { Augmentation } from "./augment.ts";
import type { SliceCache } from "./cache.ts";
import type { BatchPlan } from "./epoch.ts";
import { absent, type BatchTask } from "./loader-worker.ts";
import type { SliceTable } from "./table.ts";

/** What a loader reads from and how. */
export interface LoaderOptions {
  /** Must stay open as long as the loader. */
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

/** Prepares batches on a thread of its own. */
export interface Loader {
  /**
   * A batch. Ask for the next one before the step on the current one: it is prepared meanwhile, in the order of asking.
   * Rejects only for what is a fault of the caller (a row that failed) or when shards are taken away under it.
   */
  batch(plan: BatchPlan): Promise<Batch>;
  close(): Promise<void>;
}

/**
 * Opens a loader. What a batch holds depends on seed, epoch and rows alone, so a training that is resumed gets the same
 * batches. Without augmentation the values are those of ct's stackNeighbours on the cached slices.
 */
export function openLoader({ cache, table, neighbours, augment, seed }: LoaderOptions): Loader {
  if (cache.count !== table.count) throw new Error(`a cache of ${cache.count} slices for ${table.count} rows`);
  const pool = openPool<BatchTask, Float32Array>(import.meta.url, "./loader-worker", 1);
  const { dir, size, shardSlices, pixelHashes } = cache;
  const { values } = cache.preprocessing;
  return {
    async batch({ rows, epoch }) {
      const failed = rows.find((row) => pixelHashes[row] === undefined);
      if (failed !== undefined) throw new Error(`${dir}: row ${failed} holds no slice`);
      const channels = channelRows(rows, { neighbours, seriesIndex: table.seriesIndex, pixelHashes });
      const hu = await pool.run({ shards: { dir, size, shardSlices }, values, rows, channels, augment, seed, epoch });
      return { hu, labels: labelsOf(rows, table.labels) };
    },
    close: () => pool.close(),
  };
}

/** [N, K]: the rows of each slice's channels, from the feet upwards; `absent` beyond the series and where one failed. */
function channelRows(
  rows: Int32Array,
  o: Pick<LoaderOptions, "neighbours"> & Pick<SliceTable, "seriesIndex"> & Pick<SliceCache, "pixelHashes">,
): Int32Array {
  const { neighbours, seriesIndex, pixelHashes } = o;
  const reach = (neighbours - 1) / 2;
  const channels = new Int32Array(rows.length * neighbours);
  for (const [index, row] of rows.entries()) {
    for (let distance = -reach; distance <= reach; distance++) {
      const other = row + distance;
      const isThere = seriesIndex[other] === seriesIndex[row] && pixelHashes[other] !== undefined;
      channels[index * neighbours + distance + reach] = isThere ? other : absent;
    }
  }
  return channels;
}

function labelsOf(rows: Int32Array, labels: Float32Array): Float32Array {
  const gathered = new Float32Array(rows.length * labelCount);
  for (const [index, row] of rows.entries()) {
    gathered.set(labels.subarray(row * labelCount, (row + 1) * labelCount), index * labelCount);
  }
  return gathered;
}
