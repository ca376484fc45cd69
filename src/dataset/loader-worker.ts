import { move } from "piscina";
import { stackNeighbours } from "../ct/index.ts";
import { type Augmentation, applyChange, beyond, drawChange } from "./augment.ts";
import { openShards, type ShardFolder, type ShardReader } from "./shard.ts";

/** One batch to assemble. */
export interface BatchTask {
  readonly shards: ShardFolder;
  readonly values: "hu" | "stored";
  /** [N]: the slices themselves, which decide their augmentation. */
  readonly rows: Int32Array;
  /** [N, K]: rows of the channels; `absent` where the series ends or a slice could not be read. */
  readonly channels: Int32Array;
  readonly augment: Augmentation | "none";
  readonly seed: number;
  readonly epoch: number;
}

/** In place of a row in `BatchTask.channels`. */
export const absent = -1;

let opened: { readonly dir: string; readonly reader: ShardReader } | undefined;

/** Reads and augments the slices of a batch, in the loader's thread: [N, K, S, S]. */
export default function assembleBatch(task: BatchTask): Float32Array {
  const { shards, rows, channels, augment, seed, epoch } = task;
  if (opened?.dir !== shards.dir) {
    opened?.reader.close();
    opened = { dir: shards.dir, reader: openShards(shards) };
  }
  const { size } = shards;
  const count = channels.length / rows.length;
  const length = count * size * size;
  const hu = new Float32Array(rows.length * length);
  for (const [slice, row] of rows.entries()) {
    const neighbours = readNeighbours(opened.reader, channels.subarray(slice * count, (slice + 1) * count), size);
    const stacked = stackNeighbours(neighbours, size);
    const to = hu.subarray(slice * length, (slice + 1) * length);
    if (augment === "none") to.set(stacked);
    else {
      const change = drawChange(augment, size, { seed, epoch, row });
      applyChange(change, { from: stacked, to, channels: count, size, outside: beyond[task.values] });
    }
  }
  return move(hu) as unknown as Float32Array; // handed over without a copy
}

function readNeighbours(reader: ShardReader, rows: Int32Array, size: number): readonly (Int16Array | undefined)[] {
  return Array.from(rows, (row) => {
    if (row === absent) return undefined;
    const slice = new Int16Array(size * size);
    reader.read(row, slice);
    return slice;
  });
}
