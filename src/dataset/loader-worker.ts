import { handOver } from "../machine/index.ts";
import { type Augmentation, drawChange } from "./augment.ts";
import { openShards, type ShardFolder, type ShardReader } from "./shard.ts";
import { beyond, openWarp, type Warp } from "./warp.ts";

/** One batch to assemble. */
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
  /** An array to write the batch into; without it a new one is made. */
  readonly into: Float32Array | undefined;
}

interface Opened {
  readonly key: string;
  readonly reader: ShardReader;
  readonly warp: Warp;
  /** Which of the warp's slices these rows are, after reading what is not there. */
  readonly place: (rows: Int32Array) => Int32Array;
}

let opened: Opened | undefined;

/** Reads and augments the slices of a batch, in the loader's thread: [N, K, S, S]. */
export default function assembleBatch(task: BatchTask): Float32Array {
  const { shards, rows, channels, augment, seed, epoch } = task;
  const { size } = shards;
  const count = channels.length / rows.length;
  const { place, warp } = open(task, count);
  const pixels = size * size;
  const hu = task.into ?? new Float32Array(rows.length * count * pixels);
  for (const [slice, row] of rows.entries()) {
    const places = place(channels.subarray(slice * count, (slice + 1) * count));
    const to = hu.subarray(slice * count * pixels, (slice + 1) * count * pixels);
    if (augment !== "none") warp.apply(drawChange(augment, size, { seed, epoch, row }), places, to);
    else {
      for (const [channel, at] of places.entries()) {
        to.set(warp.slices.subarray(at * pixels, (at + 1) * pixels), channel * pixels);
      }
    }
  }
  return handOver(hu, [hu.buffer as ArrayBuffer]);
}

function open({ shards, held, values }: BatchTask, count: number): Opened {
  const { size } = shards;
  const key = JSON.stringify([shards, held, values, count]);
  if (opened?.key === key) return opened;
  opened?.reader.close();
  const reader = openShards(shards);
  const warp = openWarp({ slices: held ?? count, size, outside: beyond[values] });
  const place = held === undefined ? readAnew(reader, warp.slices, count) : readOnce(reader, warp.slices, held);
  opened = { key, reader, warp, place };
  return opened;
}

/** Each row has its own place, and is read when it is first asked for. */
function readOnce(reader: ShardReader, slices: Int16Array, count: number): Opened["place"] {
  const pixels = slices.length / count;
  const isHeld = new Uint8Array(count);
  return (rows) => {
    for (const row of rows) {
      if (isHeld[row] === 1) continue;
      reader.read(row, slices.subarray(row * pixels, (row + 1) * pixels));
      isHeld[row] = 1;
    }
    return rows;
  };
}

/** Reads each row once, those side by side in one go. */
function readAnew(reader: ShardReader, slices: Int16Array, count: number): Opened["place"] {
  const pixels = slices.length / count;
  return (rows) => {
    const distinct = [...new Set(rows)];
    for (let from = 0, to = 1; from < distinct.length; from = to++) {
      while (to < distinct.length && distinct[to] === distinct[to - 1]! + 1) to++;
      reader.read(distinct[from]!, slices.subarray(from * pixels, to * pixels));
    }
    return rows.map((row) => distinct.indexOf(row));
  };
}
