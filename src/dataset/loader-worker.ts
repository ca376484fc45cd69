import { handOver } from "../machine/index.ts";
import { type Augmentation, drawChange } from "./augment.ts";
import { openShards, type ShardFolder, type ShardReader } from "./shard.ts";
import { beyond, openWarp, type Warp } from "./warp.ts";

/** One batch to assemble. */
export interface BatchTask {
  readonly shards: ShardFolder;
  readonly values: "hu" | "stored";
  /** [N]: the slices themselves, which decide their augmentation. */
  readonly rows: Int32Array;
  /** [N, K]: rows of the channels, ascending. */
  readonly channels: Int32Array;
  readonly augment: Augmentation | "none";
  readonly seed: number;
  readonly epoch: number;
  /** An array to write the batch into; without it a new one is made. */
  readonly into: Float32Array | undefined;
}

interface Opened {
  readonly key: string;
  readonly reader: ShardReader;
  readonly warp: Warp;
}

let opened: Opened | undefined;

/** Reads and augments the slices of a batch, in the loader's thread: [N, K, S, S]. */
export default function assembleBatch(task: BatchTask): Float32Array {
  const { shards, rows, channels, augment, seed, epoch } = task;
  const { size } = shards;
  const count = channels.length / rows.length;
  const { reader, warp } = open(shards, { slices: count, size, outside: beyond[task.values] });
  const pixels = size * size;
  const hu = task.into ?? new Float32Array(rows.length * count * pixels);
  for (const [slice, row] of rows.entries()) {
    const places = readChannels(reader, channels.subarray(slice * count, (slice + 1) * count), warp.slices);
    const to = hu.subarray(slice * count * pixels, (slice + 1) * count * pixels);
    if (augment !== "none") warp.apply(drawChange(augment, size, { seed, epoch, row }), places, to);
    else {
      for (const [channel, place] of places.entries()) {
        to.set(warp.slices.subarray(place * pixels, (place + 1) * pixels), channel * pixels);
      }
    }
  }
  return handOver(hu, [hu.buffer as ArrayBuffer]);
}

function open(shards: ShardFolder, shape: Parameters<typeof openWarp>[0]): Opened {
  const key = JSON.stringify([shards, shape]);
  if (opened?.key === key) return opened;
  opened?.reader.close();
  opened = { key, reader: openShards(shards), warp: openWarp(shape) };
  return opened;
}

/** Reads each row once, those side by side in one go; answers which of `slices` each channel is. */
function readChannels(reader: ShardReader, rows: Int32Array, slices: Int16Array): readonly number[] {
  const pixels = slices.length / rows.length;
  const distinct = [...new Set(rows)];
  for (let from = 0, to = 1; from < distinct.length; from = to++) {
    while (to < distinct.length && distinct[to] === distinct[to - 1]! + 1) to++;
    reader.read(distinct[from]!, slices.subarray(from * pixels, to * pixels));
  }
  return Array.from(rows, (row) => distinct.indexOf(row));
}
