import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { fail, ok, type Problem, type Progress, type Result } from "../base/index.ts";
import type { Preprocessing } from "../ct/index.ts";
import { fileResult, isSystemFault, makeFolder, openPool, type Pool } from "../machine/index.ts";
import { archiveMark } from "../storage/index.ts";
import makeShard, { checkShard, type ShardAnswer, type ShardTask } from "./cache-worker.ts";
import { interrupted } from "./database.ts";
import { watchDisk } from "./reading-pace.ts";
import { openShards, type ShardFile, shardSlicesFor } from "./shard.ts";
import { type SliceTable, sliceShift } from "./table.ts";

/** What to cache and where. */
export interface CacheOptions {
  readonly table: SliceTable;
  readonly preprocessing: Preprocessing;
  /** Folder that holds the caches of one index; each preprocessing has a folder in it. */
  readonly dir: string;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A slice whose pixels could not be read. */
export interface CacheFailure {
  readonly row: number;
  /** Relative to the data folder. */
  readonly path: string;
  readonly kind: string;
  readonly detail: string;
}

/** The slices of a table at the training resolution, on disk. It owns open files: close it. */
export interface SliceCache {
  /** Folder of the shards. */
  readonly dir: string;
  readonly preprocessing: Preprocessing;
  /** Rows and columns of a slice. */
  readonly size: number;
  /** Number of rows, those that failed included. */
  readonly count: number;
  /** Slices of a shard; row r is slice r mod shardSlices of shard ⌊r / shardSlices⌋. */
  readonly shardSlices: number;
  /** A row: GMAC (128 bits, hex) of its full-resolution HU as int16; `undefined` where it failed. */
  readonly pixelHashes: readonly (string | undefined)[];
  /** Rows that hold no slice, in their order. */
  readonly failures: readonly CacheFailure[];
  /** Shards made in this call, and shards found whole. */
  readonly built: number;
  readonly reused: number;
  /** SHA-256 over the pixel hashes: what the pixels of this data are. */
  readonly hash: string;
  /** [size, size] of a row, in memory of its own; throws for a row that failed. */
  read(row: number): Int16Array;
  close(): void;
}

/**
 * Opens the cache of a table's slices and makes what is missing of it: shards of int16 `.npy`, each with a sidecar that
 * is written last, in parallel. A shard that is there, whole and made from the same files in the same way, is used as it
 * stands; after an interrupt the next call goes on with the rest. Slices that cannot be decoded are `failures`.
 * Problems: files that changed since they were indexed, no slice that can be read, a full or read-only disk, an interrupt.
 */
export async function buildCache(options: CacheOptions): Promise<Result<SliceCache>> {
  const { table, preprocessing } = options;
  const dir = join(resolve(options.dir), folderName(preprocessing));
  const made = fileResult(dir, () => makeFolder(dir));
  if (made.kind === "problem") return made;
  const answers = await makeShards(options, dir);
  if (answers.kind === "problem") return answers;
  const problem = firstProblem(answers.value, options, dir);
  if (problem !== undefined) return fail(problem);
  const whole = answers.value.filter((answer) => answer?.kind === "whole");
  const shardSlices = shardSlicesFor(preprocessing.size);
  const pixelHashes = whole.flatMap(({ sidecar }) => sidecar.pixelHashes.map((hash) => hash ?? undefined));
  const failures = whole.flatMap(({ sidecar }, shard) =>
    sidecar.failures.map(({ slice, kind, detail }): CacheFailure => {
      const row = shard * shardSlices + slice;
      return { row, path: table.paths[row]!, kind, detail };
    }),
  );
  const gone = failures.some(({ kind }) => isSystemFault(kind)) ? missingRoot(table) : undefined;
  if (gone !== undefined) return fail(gone); // with its disk: what was read of it before is not the data
  if (failures.length === table.count) return fail(nothingRead(table, failures));
  return ok(openCache({ dir, preprocessing, shardSlices, pixelHashes, failures, whole }));
}

/** Says what is in it to a person who looks into the folder; the identities of the shards are what is relied on. */
function folderName({ values, size, fieldOfViewMm, tilt }: Preprocessing): string {
  const view = fieldOfViewMm === "image" ? "image" : `${fieldOfViewMm}mm`;
  return `${values}-${size}px-${view}${tilt === "straightened" ? "-straight" : ""}`;
}

async function makeShards(
  { table, preprocessing, threads, progress, signal }: CacheOptions,
  dir: string,
): Promise<Result<readonly (ShardAnswer | undefined)[]>> {
  const shardSlices = shardSlicesFor(preprocessing.size);
  const shards = Math.ceil(table.count / shardSlices);
  const answers = new Array<ShardAnswer | undefined>(shards).fill(undefined);
  const disk = watchDisk();
  const atOnce = Math.max(1, threads);
  const makers = openMakers({ shards, slices: table.count, threads: atOnce });
  const task = progress.start("Caching slices", table.count);
  const running = new Set<Promise<void>>();
  let refused = false;
  const give = (shard: number) => {
    const files = shardFiles(table, shard * shardSlices, shardSlices);
    const isNew = ({ path }: ShardFile, slice: number) => path !== files[slice - 1]?.path; // of frames, the file once
    const bytes = files.filter(isNew).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const from = disk.isCold ? "disk" : "memory";
    const work = makers.run({ dir, shard, root: table.root, files, from, preprocessing }).then((answer) => {
      answers[shard] = answer;
      refused ||= answer.kind === "problem"; // a full disk will not be less full for the next shard
      task.advance(files.length);
      disk.advance(bytes);
      running.delete(work);
    });
    running.add(work);
  };
  try {
    for (let shard = 0; shard < shards; shard++) {
      while (running.size >= atOnce) await Promise.race(running);
      if (refused || signal.aborted) break;
      give(shard);
    }
    await Promise.all(running); // each shard that was begun is ended
  } finally {
    await Promise.allSettled(running);
    await makers.close();
    task.done();
  }
  return signal.aborted ? fail(interrupted(dir)) : ok(answers);
}

/** So many slices are made sooner than a thread starts, some 0.1 s. */
const fewSlices = 24;

/** So many shards are checked sooner than a thread starts: 8 MB each. */
const fewShards = 16;

/** Makes shards in worker threads, which are started only where there is enough to do. */
function openMakers(o: { readonly shards: number; readonly slices: number; readonly threads: number }): {
  run(task: ShardTask): Promise<ShardAnswer>;
  close(): Promise<void>;
} {
  let pool: Pool<ShardTask, ShardAnswer> | undefined;
  return {
    async run(task) {
      await breathe(); // let an interrupt and the bars through
      if (o.slices <= fewSlices) return makeShard(task);
      const known = o.shards <= fewShards ? checkShard(task) : undefined;
      if (known !== undefined) return known;
      pool ??= openPool(import.meta.url, "./cache-worker", Math.min(o.threads, o.shards));
      return pool.run(task);
    },
    close: async () => pool?.close(),
  };
}

function shardFiles(table: SliceTable, from: number, count: number): ShardFile[] {
  const { paths, frames, sizesBytes, mtimesMs } = table;
  return paths.slice(from, from + count).map((path, index) => {
    const row = from + index;
    const shiftMm = sliceShift(table, row);
    return { path, frame: frames[row]!, sizeBytes: sizesBytes[row]!, mtimeMs: mtimesMs[row]!, shiftMm };
  });
}

function firstProblem(
  answers: readonly (ShardAnswer | undefined)[],
  { table, preprocessing }: CacheOptions,
  dir: string,
): Problem | undefined {
  const failed = answers.find((answer) => answer?.kind === "problem");
  if (failed !== undefined) return failed.problem;
  const shardSlices = shardSlicesFor(preprocessing.size);
  const changed = answers.flatMap((answer, shard) =>
    answer?.kind === "changed" ? answer.slices.map((slice) => shard * shardSlices + slice) : [],
  );
  if (changed.length > 0) {
    return {
      kind: "files changed",
      where: join(table.root, table.paths[changed[0]!]!),
      got: `another file than was indexed, or none${changed.length > 1 ? ` (and ${changed.length - 1} more such)` : ""}`,
      expected: "size and time of last change as in the index",
      next: "connect its disk again if that is away, or index the folder again: ichor index DATA --out DIR",
    };
  }
  if (answers.includes(undefined)) throw new Error(`${dir}: a shard was not made`);
  return undefined;
}

/** What the system says of the data folder, or of the archive that stands for one; undefined where it is there. */
function missingRoot({ root }: SliceTable): Problem | undefined {
  const path = root.endsWith(archiveMark) && !existsSync(root) ? root.slice(0, -archiveMark.length) : root;
  const there = fileResult(path, () => statSync(path));
  return there.kind === "problem" ? there.problem : undefined;
}

function nothingRead(table: SliceTable, failures: readonly CacheFailure[]): Problem {
  const [first] = failures;
  return {
    kind: "no slice could be read",
    where: table.root,
    got: first === undefined ? "an index without slices" : `${first.path}: ${first.kind} (${first.detail})`,
    expected: "pixels that can be decoded",
    next: "look at the ledger, and index the folder again",
  };
}

type Opening = Pick<SliceCache, "dir" | "preprocessing" | "shardSlices" | "pixelHashes" | "failures"> & {
  readonly whole: readonly { readonly made: "now" | "before" }[];
};

function openCache({ whole, ...known }: Opening): SliceCache {
  const { dir, preprocessing, shardSlices, pixelHashes } = known;
  const { size } = preprocessing;
  const shards = openShards({ dir, size, shardSlices });
  const built = whole.filter(({ made }) => made === "now").length;
  const hash = createHash("sha256");
  for (const pixels of pixelHashes) hash.update(pixels ?? "failed");
  return {
    ...known,
    size,
    count: pixelHashes.length,
    built,
    reused: whole.length - built,
    hash: hash.digest("hex"),
    read(row) {
      if (pixelHashes[row] === undefined) throw new Error(`${dir}: row ${row} holds no slice`);
      const slice = new Int16Array(size * size);
      shards.read(row, slice);
      return slice;
    },
    close: () => shards.close(),
  };
}
