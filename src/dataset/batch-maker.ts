import { drawChange } from "./augment.ts";
import type { BatchTask } from "./batch-task.ts";
import { type DiskWatch, watchLatest } from "./reading-pace.ts";
import { openShards, type ShardReader } from "./shard.ts";
import { beyond, openWarp, type Warp } from "./warp.ts";

/** Assembles batches, one after the other, on the thread that it is opened on. */
export interface BatchMaker {
  /**
   * Has the system read what a batch lacks, while this thread does something else, where that comes from a disk. What lies
   * in memory is copied in `make`: threads that have to be woken for it would hold up a step that takes every core. The
   * batch before must be made.
   */
  begin(task: BatchTask): void;
  /**
   * [N, K, S, S]: the batch, of which reading may have begun; without `to` in the maker's own memory, which the next one
   * is written over. Rejects where shards cannot be read.
   */
  make(task: BatchTask, to?: Float32Array): Promise<Float32Array>;
}

/** A larger batch gets memory of JavaScript's: with its slices, it would come near the 4 GiB that a WebAssembly module can have. */
const mostOwnValues = 2 ** 28;

interface Opened {
  readonly key: string;
  readonly reader: ShardReader;
  readonly warp: Warp;
  /** Slices that were read and stay, where they do. */
  readonly held: Uint8Array | undefined;
}

/** Which of the warp's slices a batch's rows are, and which rows are still to be read: those side by side in one go. */
interface Placed {
  readonly places: ReadonlyMap<number, number>;
  readonly missing: readonly number[];
  readonly reads: readonly { readonly row: number; readonly target: Int16Array }[];
}

/** What is being read for a batch; all of it has to end, since what comes next is read into the same memory. */
interface Reading {
  readonly task: BatchTask;
  readonly placed: Placed;
  readonly ended: Promise<readonly PromiseSettledResult<void>[]>;
}

/**
 * Opens a maker, for one that never names a `to` with memory for a batch; files and memory follow what tasks ask for.
 * `disk` tells where what was read last came from.
 */
export function openBatchMaker(
  results: "in own memory" | "in given memory",
  disk: DiskWatch = watchLatest(),
): BatchMaker {
  let opened: Opened | undefined;
  let reading: Reading | undefined;
  return {
    begin(task) {
      opened = reopen(opened, task, results);
      if (!disk.isCold) return;
      const { reader } = opened;
      const placed = placeRows(opened, task);
      const ended = Promise.allSettled(placed.reads.map(({ row, target }) => reader.readAside(row, target)));
      reading = { task, placed, ended };
    },
    async make(task, to) {
      const begun = reading;
      const ends = await begun?.ended;
      reading = undefined;
      opened = reopen(opened, task, results);
      const isBegun = begun?.task === task;
      const placed = isBegun ? begun.placed : placeRows(opened, task);
      if (isBegun) for (const end of ends ?? []) if (end.status === "rejected") throw end.reason;
      if (!isBegun) for (const { row, target } of placed.reads) opened.reader.read(row, target);
      for (const row of placed.missing) if (opened.held !== undefined) opened.held[row] = 1;
      disk.advance(placed.missing.length * task.shards.size ** 2 * 2);
      return assemble(opened.warp, { task, places: placed.places, to: to ?? memoryFor(opened.warp, task) });
    },
  };
}

const memoryFor = ({ planes }: Warp, { channels, shards }: BatchTask) =>
  planes.length > 0 ? planes : new Float32Array(channels.length * shards.size ** 2);

/** Memory and files as a task needs them: those of the task before, unless it was of another kind. */
function reopen(opened: Opened | undefined, task: BatchTask, results: Parameters<typeof openBatchMaker>[0]): Opened {
  const { shards, held, values, channels } = task;
  const key = JSON.stringify([shards, held, values, channels.length]);
  if (opened?.key === key) return opened;
  opened?.reader.close();
  const isOwn = results === "in own memory" && channels.length * shards.size ** 2 <= mostOwnValues;
  const planes = isOwn ? channels.length : 0;
  const room = { slices: held ?? channels.length, planes, size: shards.size };
  return {
    key,
    reader: openShards(shards),
    warp: openWarp({ ...room, outside: beyond[values] }),
    held: held === undefined ? undefined : new Uint8Array(held),
  };
}

function placeRows({ warp, held }: Opened, task: BatchTask): Placed {
  const rows = [...new Set(task.channels)].sort((a, b) => a - b);
  const places = new Map(rows.map((row, index) => [row, held === undefined ? index : row]));
  const missing = rows.filter((row) => held?.[row] !== 1);
  const pixels = task.shards.size ** 2;
  const reads: Placed["reads"][number][] = [];
  for (let from = 0, to = 1; from < missing.length; from = to++) {
    while (to < missing.length && missing[to] === missing[to - 1]! + 1) to++;
    const at = places.get(missing[from]!)!;
    reads.push({
      row: missing[from]!,
      target: warp.slices.subarray(at * pixels, (at + to - from) * pixels),
    });
  }
  return { places, missing, reads };
}

/** Augments the slices that were read. */
function assemble(
  warp: Warp,
  { task, places, to }: Pick<Reading, "task"> & Pick<Placed, "places"> & { readonly to: Float32Array },
): Float32Array {
  const { shards, rows, channels, augment, seed, epoch } = task;
  const count = channels.length / rows.length;
  const pixels = shards.size ** 2;
  for (const [slice, row] of rows.entries()) {
    const from = [...channels.subarray(slice * count, (slice + 1) * count)].map((channel) => places.get(channel)!);
    const part = to.subarray(slice * count * pixels, (slice + 1) * count * pixels);
    if (augment !== "none") warp.apply(drawChange(augment, shards.size, { seed, epoch, row }), from, part);
    else for (const [channel, at] of from.entries()) part.set(slicesAt(warp, at, pixels), channel * pixels);
  }
  return to;
}

const slicesAt = ({ slices }: Warp, at: number, pixels: number) => slices.subarray(at * pixels, (at + 1) * pixels);
