import { createCipheriv } from "node:crypto";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { fail, ok, type Problem, type Result } from "../base/index.ts";
import {
  type HeaderOutcome,
  lendHu,
  lendStored,
  type PlaneShift,
  type Preprocessing,
  prepareSlice,
  rememberHeaders,
} from "../ct/index.ts";
import { loadCodecs } from "../dicom/index.ts";
import { fileProblem, writeFileAtomic } from "../machine/index.ts";
import { type FileStart, openAheadReader, statFile, withStarts } from "../storage/index.ts";
import {
  cacheVersion,
  emptyShard,
  readWholeShard,
  type ShardFile,
  type Sidecar,
  shardIdentity,
  shardPaths,
} from "./shard.ts";

/** One shard to make, unless it is there. */
export interface ShardTask {
  readonly dir: string;
  readonly shard: number;
  /** The data folder. */
  readonly root: string;
  readonly files: readonly ShardFile[];
  /** Where their bytes probably are: on a disk, or in the system's cache. */
  readonly from: "disk" | "memory";
  readonly preprocessing: Preprocessing;
}

/** What became of a shard. */
export type ShardAnswer =
  | { readonly kind: "whole"; readonly sidecar: Sidecar; readonly made: "now" | "before" }
  | { readonly kind: "changed"; readonly slices: readonly number[] }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Checks a shard and makes it where it is missing, damaged or of other content; in a worker thread. */
export default async function makeShard(task: ShardTask): Promise<ShardAnswer> {
  const known = checkShard(task);
  if (known !== undefined) return known;
  const { file, sidecar } = await fillShard(task);
  const paths = shardPaths(task.dir, task.shard);
  const written = writeFileAtomic(paths.data, file, "unflushed");
  if (written.kind === "problem") return written;
  const described = writeFileAtomic(paths.sidecar, `${JSON.stringify(sidecar)}\n`, "unflushed"); // its CRC vouches for both
  if (described.kind === "problem") return described;
  return { kind: "whole", sidecar, made: "now" };
}

/** A shard that needs no making: it is there and whole, or its files are not those of the index. */
export function checkShard({ dir, shard, root, files, preprocessing }: ShardTask): ShardAnswer | undefined {
  const slices = files.flatMap((file, slice) => (hasChanged(root, file) ? [slice] : []));
  if (slices.length > 0) return { kind: "changed", slices };
  const sidecar = readWholeShard(dir, shard, shardIdentity(preprocessing, files));
  return sidecar === undefined ? undefined : { kind: "whole", sidecar, made: "before" };
}

/** Whether a file is another than the index speaks of, or gone: its header may be another too. */
function hasChanged(root: string, { path, sizeBytes, mtimeMs }: ShardFile): boolean {
  const stats = statFile(join(root, path));
  if (stats.kind === "problem") return false; // nobody knows; its slices fail when they are read
  return stats.value === undefined || stats.value.sizeBytes !== sizeBytes || stats.value.mtimeMs !== mtimeMs;
}

/** Of 4 MB at most, as slices are: of longer files, which have many frames, the rest is read in the plain way. */
const readAhead = openAheadReader(2 ** 22);

async function fillShard({ root, files, from, preprocessing }: ShardTask): Promise<{
  readonly file: Uint8Array;
  readonly sidecar: Sidecar;
}> {
  const { size } = preprocessing;
  const identity = shardIdentity(preprocessing, files);
  const { file, slices } = emptyShard(files.length, size);
  const failures: { slice: number; kind: string; detail: string }[] = [];
  const headers = rememberHeaders(); // the frames of a file stand together
  const pixelHashes: (string | null)[] = [];
  const places = files.map(({ path }) => join(root, path));
  for await (const [slice, starts] of startsOf(places, from)) {
    const [path, { frame, shiftMm }] = [places[slice]!, files[slice]!];
    const prepared = await prepare({ path, frame, headers, starts }, preprocessing, shiftMm);
    if (prepared.kind === "problem") {
      const { kind, got, expected } = prepared.problem;
      failures.push({ slice, kind, detail: `${got}, expected ${expected}` });
      pixelHashes.push(null);
      continue;
    }
    slices.set(prepared.value.values, slice * size * size);
    pixelHashes.push(prepared.value.pixelHash);
  }
  return { file, sidecar: { version: cacheVersion, identity, pixelHashes, failures, crc32: crc32(file) } };
}

/** The places in their order, each with the start of its file where that is read ahead: once for all of its frames. */
async function* startsOf(
  places: readonly string[],
  from: ShardTask["from"],
): AsyncGenerator<readonly [number, Starts]> {
  const isNew = (slice: number) => places[slice] !== places[slice - 1];
  const ahead = from === "disk" ? readAhead(places.filter((_, slice) => isNew(slice))) : undefined;
  let starts: Starts = new Map();
  try {
    for (const [slice, place] of places.entries()) {
      if (ahead !== undefined && isNew(slice)) {
        const { value } = await ahead.next();
        starts = new Map(value === undefined ? [] : [[place, value]]);
      }
      yield [slice, starts];
    }
  } finally {
    await ahead?.return();
  }
}

type Starts = ReadonlyMap<string, FileStart>;

interface Source {
  readonly path: string;
  readonly frame: number;
  readonly headers: ReturnType<typeof rememberHeaders>;
  /** The file as far as it is in memory. */
  readonly starts: Starts;
}

/** The slice as a network sees it, and the hash of its HU; of the HU whatever is cached, so that splits stay the same. */
async function prepare(
  { path, frame, headers, starts }: Source,
  preprocessing: Preprocessing,
  shiftMm: PlaneShift,
): Promise<Result<{ readonly values: Int16Array; readonly pixelHash: string }>> {
  try {
    const there = statFile(path);
    if (there.kind === "problem") return there; // read all the same, it might be another file than was indexed
    const outcome = withStarts(starts, () => headers(path, frame));
    if (outcome.kind !== "slice") return fail(noSlice(path, outcome));
    await loadCodecs([outcome.header.transferSyntax]);
    const slice = withStarts(starts, () => lendHu(path, outcome));
    if (slice.kind === "problem") return slice;
    const pixelHash = hashPixels(slice.value.hu);
    if (preprocessing.values === "hu")
      return ok({ values: prepareSlice(slice.value, preprocessing, shiftMm), pixelHash });
    const stored = withStarts(starts, () => lendStored(path, outcome));
    if (stored.kind === "problem") return stored;
    return ok({ values: prepareSlice(stored.value, preprocessing, shiftMm), pixelHash });
  } catch (error) {
    return { kind: "problem", problem: fileProblem(error, path) };
  }
}

/** By its own kind, which tells a fault of the disk from one of the file. */
function noSlice(where: string, { reason, detail }: Exclude<HeaderOutcome, { kind: "slice" }>): Problem {
  return { kind: reason, where, got: detail, expected: "the slice that was indexed", next: "index the folder again" };
}

const hashKey = new Uint8Array(16);
const hashNonce = new Uint8Array(12);

/**
 * GMAC (NIST SP 800-38D) of the HU as int16 little endian under a key of zeros, 128 bits, hex. That two of a million
 * different slices meet by chance is asked of it, no more: some 10⁻²². SHA-256 took as long as all else together.
 */
function hashPixels(hu: Int16Array): string {
  const mac = createCipheriv("aes-128-gcm", hashKey, hashNonce);
  mac.setAAD(new Uint8Array(hu.buffer, hu.byteOffset, hu.byteLength));
  mac.final();
  return mac.getAuthTag().toString("hex");
}
