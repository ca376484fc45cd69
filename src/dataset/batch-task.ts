import { labelCount } from "../labels/index.ts";
import type { Augmentation } from "./augment.ts";
import type { SliceCache } from "./cache.ts";
import type { BatchPlan } from "./epoch.ts";
import type { ShardFolder } from "./shard.ts";
import type { SliceTable } from "./table.ts";

/** What batches are made from and how. */
export interface LoaderOptions {
  /** Must stay open as long as batches are made. */
  readonly cache: SliceCache;
  readonly table: Pick<SliceTable, "count" | "seriesIndex" | "labels">;
  /** Channels: the slice and its neighbours in the series, centred. */
  readonly neighbours: 1 | 3 | 5;
  readonly augment: Augmentation | "none";
  readonly seed: number;
  /** With augmentation, a cache of at most so many bytes stays in memory as its slices are read; by default 256 MiB. */
  readonly mostHeldBytes?: number;
}

/** One batch to make, as a thread is told: all that decides what it holds. */
export interface BatchTask {
  readonly shards: ShardFolder;
  /** Slices of the cache where they stay in memory. */
  readonly held: number | undefined;
  readonly values: "hu" | "stored";
  /** [N]: the slices themselves, which decide their augmentation. */
  readonly rows: Int32Array;
  /** [N, K]: rows of the channels, ascending. */
  readonly channels: Int32Array;
  readonly augment: Augmentation | "none";
  readonly seed: number;
  readonly epoch: number;
}

/** A batch that is to be made, and its labels. */
export interface PlannedBatch {
  readonly task: BatchTask;
  /** [N, 6]; NaN where a slice has no label. */
  readonly labels: Float32Array;
}

/** Reading takes an eighth of a batch's processor time; of a larger cache, a batch would find few of its slices held. */
const heldBytes = 256 * 2 ** 20;

/**
 * Plans batches for a `BatchMaker`. What a batch holds depends on seed, epoch and rows alone, so a training that is
 * resumed gets the same batches. Without augmentation the values are those of ct's stackNeighbours on the cached slices.
 * A plan with a row that failed is a fault of the caller, and throws.
 */
export function batchPlanner(o: LoaderOptions): (plan: BatchPlan) => PlannedBatch {
  const { cache, table, neighbours, augment, seed, mostHeldBytes = heldBytes } = o;
  if (cache.count !== table.count) throw new Error(`a cache of ${cache.count} slices for ${table.count} rows`);
  const { dir, size, shardSlices, count, pixelHashes } = cache;
  const { values } = cache.preprocessing;
  // without augmentation each slice is scored once and rarely again
  const held = augment !== "none" && count * size * size * 2 <= mostHeldBytes ? count : undefined;
  const shards = { dir, size, shardSlices };
  return ({ rows, epoch }) => {
    const failed = rows.find((row) => pixelHashes[row] === undefined);
    if (failed !== undefined) throw new Error(`${dir}: row ${failed} holds no slice`);
    const channels = channelRows(rows, { neighbours, seriesIndex: table.seriesIndex, pixelHashes });
    const task = { shards, held, values, rows, channels, augment, seed, epoch };
    return { task, labels: labelsOf(rows, table.labels) };
  };
}

/**
 * [N, K]: the rows of each slice's channels, from the feet upwards. Beyond the series, and where a slice failed, the
 * nearest one towards the middle stands in, as in ct's stackNeighbours.
 */
function channelRows(
  rows: Int32Array,
  o: Pick<LoaderOptions, "neighbours"> & Pick<SliceTable, "seriesIndex"> & Pick<SliceCache, "pixelHashes">,
): Int32Array {
  const { neighbours, seriesIndex, pixelHashes } = o;
  const reach = (neighbours - 1) / 2;
  const channels = new Int32Array(rows.length * neighbours);
  for (const [index, row] of rows.entries()) {
    const middle = index * neighbours + reach;
    channels[middle] = row;
    for (let distance = 1; distance <= reach; distance++) {
      for (const side of [-1, 1]) {
        const other = row + side * distance;
        const isThere = seriesIndex[other] === seriesIndex[row] && pixelHashes[other] !== undefined;
        channels[middle + side * distance] = isThere ? other : channels[middle + side * (distance - 1)]!;
      }
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
