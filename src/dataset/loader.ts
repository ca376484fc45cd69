import { labelCount } from "../labels/index.ts";
import { openPool } from "../machine/index.ts";
import type { Augmentation } from "./augment.ts";
import type { SliceCache } from "./cache.ts";
import type { BatchPlan } from "./epoch.ts";
import type { BatchTask } from "./loader-worker.ts";
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
  /** With augmentation, a cache of at most so many bytes stays in memory as its slices are read; by default 256 MiB. */
  readonly mostHeldBytes?: number;
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
  /** Takes back a batch that is not needed any more: a later one is written over it, which spares the memory's making. */
  reuse(batch: { readonly hu?: Float32Array }): void;
  close(): Promise<void>;
}

/** Reading takes an eighth of a batch's processor time; of a larger cache, a batch would find few of its slices held. */
const heldBytes = 256 * 2 ** 20;

/** Batches kept for reuse: the one in preparation and the one in use are two already, and nobody gives back more. */
const mostSpent = 2;

/**
 * Opens a loader. What a batch holds depends on seed, epoch and rows alone, so a training that is resumed gets the same
 * batches. Without augmentation the values are those of ct's stackNeighbours on the cached slices.
 */
export function openLoader(o: LoaderOptions): Loader {
  const { cache, table, neighbours, augment, seed, mostHeldBytes = heldBytes } = o;
  if (cache.count !== table.count) throw new Error(`a cache of ${cache.count} slices for ${table.count} rows`);
  const pool = openPool<BatchTask, Float32Array>(import.meta.url, "./loader-worker", 1);
  const { dir, size, shardSlices, count, pixelHashes } = cache;
  const { values } = cache.preprocessing;
  // without augmentation each slice is scored once and rarely again
  const held = augment !== "none" && count * size * size * 2 <= mostHeldBytes ? count : undefined;
  const spent: Float32Array<ArrayBuffer>[] = [];
  const spentOf = (length: number) => {
    const at = spent.findIndex((hu) => hu.length === length);
    return at < 0 ? undefined : spent.splice(at, 1)[0];
  };
  return {
    async batch({ rows, epoch }) {
      const failed = rows.find((row) => pixelHashes[row] === undefined);
      if (failed !== undefined) throw new Error(`${dir}: row ${failed} holds no slice`);
      const channels = channelRows(rows, { neighbours, seriesIndex: table.seriesIndex, pixelHashes });
      const into = spentOf(channels.length * size * size);
      const hu = await pool.run(
        { shards: { dir, size, shardSlices }, held, values, rows, channels, augment, seed, epoch, into },
        { transfer: into === undefined ? [] : [into.buffer] },
      );
      return { hu, labels: labelsOf(rows, table.labels) };
    },
    reuse({ hu }) {
      if (hu === undefined || hu.length === 0 || !ownsItsBuffer(hu)) return;
      spent.push(hu);
      if (spent.length > mostSpent) spent.shift();
    },
    close: () => pool.close(),
  };
}

/** Not a view into a larger buffer, which belongs to others too. */
const ownsItsBuffer = (array: Float32Array): array is Float32Array<ArrayBuffer> =>
  array.buffer instanceof ArrayBuffer && array.byteLength === array.buffer.byteLength;

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
