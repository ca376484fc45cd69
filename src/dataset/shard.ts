import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, read, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { type PlaneShift, type Preprocessing, usedShift } from "../ct/index.ts";
import { isSystemFault } from "../machine/index.ts";

/** Version of what a cache holds. A change of it, or of anything below ct's prepareSlice, makes every cache anew. */
export const cacheVersion = 4;

/** Bytes of a shard's `.npy` header; a multiple of 64, as the format asks, so that slices lie aligned. */
const headerBytes = 128;

/** Slices of a shard: some 0.5 s of work, so that little is lost by an interrupt and all threads have enough to do. */
const mostSlices = 256;

/** A shard is one buffer in a worker, bytes. */
const mostBytes = 32 * 2 ** 20;

/** Slices of a shard for slices of size × size int16. */
export function shardSlicesFor(size: number): number {
  return Math.max(1, Math.min(mostSlices, Math.floor(mostBytes / (size * size * 2))));
}

/** A file that goes into a shard, as the index knows it. */
export interface ShardFile {
  /** Relative to the data folder. */
  readonly path: string;
  /** Place of the slice in the file, from 0. */
  readonly frame: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** To straighten its series. */
  readonly shiftMm: PlaneShift;
}

/** `shard-00000.json`, written after its `.npy`: what the shard was made from and what became of it. */
const sidecarSchema = z.object({
  version: z.literal(cacheVersion),
  /** Of what went in, see shardIdentity. */
  identity: z.string(),
  /** [slices]: GMAC of the full-resolution HU, hex; null where the slice failed. */
  pixelHashes: z.array(z.string().nullable()),
  /** Slices that could not be read; their place holds zeros. */
  failures: z.array(z.object({ slice: z.int(), kind: z.string(), detail: z.string() })),
  /** CRC-32 of the `.npy` file. */
  crc32: z.int(),
});

/** What is known of a shard. */
export type Sidecar = z.infer<typeof sidecarSchema>;

/** SHA-256 over everything that decides what a shard holds: format, preprocessing, and its files in their order. */
export function shardIdentity(preprocessing: Preprocessing, files: readonly ShardFile[]): string {
  const { values, size, fieldOfViewMm } = preprocessing;
  const hash = createHash("sha256").update(JSON.stringify([cacheVersion, values, size, fieldOfViewMm]));
  for (const { path, frame, sizeBytes, mtimeMs, shiftMm } of files) {
    const shift = usedShift(preprocessing, shiftMm);
    hash.update(`\n${JSON.stringify([path, frame, sizeBytes, mtimeMs, ...shift])}`);
  }
  return hash.digest("hex");
}

/** Paths of a shard's two files. */
export function shardPaths(dir: string, shard: number): { readonly data: string; readonly sidecar: string } {
  const stem = join(dir, `shard-${String(shard).padStart(5, "0")}`);
  return { data: `${stem}.npy`, sidecar: `${stem}.json` };
}

/**
 * An empty shard with its `.npy` header (NumPy format 1.0: magic, version, length, then a Python dictionary padded with
 * spaces to a line end): `file` are all bytes, `slices` [count, size, size] the same memory after the header.
 */
export function emptyShard(count: number, size: number): { readonly file: Uint8Array; readonly slices: Int16Array } {
  const file = new Uint8Array(headerBytes + count * size * size * 2);
  const text = `{'descr': '<i2', 'fortran_order': False, 'shape': (${count}, ${size}, ${size}), }`;
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, headerBytes - 10, 0]); // \x93NUMPY 1.0, 118 bytes follow
  file.set(new TextEncoder().encode(`${text.padEnd(headerBytes - 11)}\n`), 10);
  return { file, slices: new Int16Array(file.buffer, headerBytes) };
}

/** The sidecar of a shard that is whole and of that identity; `undefined` where it must be made (anew). */
export function readWholeShard(dir: string, shard: number, identity: string): Sidecar | undefined {
  const { data, sidecar } = shardPaths(dir, shard);
  try {
    const known = sidecarSchema.parse(JSON.parse(readFileSync(sidecar, "utf8")));
    // What the system refused today may be read tomorrow; what is wrong with a file stays wrong.
    if (known.identity !== identity || known.failures.some(({ kind }) => isSystemFault(kind))) return undefined;
    return crc32(readFileSync(data)) === known.crc32 ? known : undefined;
  } catch {
    return undefined; // missing, cut off, or of another version: all the same, it is derived data
  }
}

/** What a reader of shards must know. */
export interface ShardFolder {
  readonly dir: string;
  readonly size: number;
  readonly shardSlices: number;
}

/** Reads slices from shards. It owns open files: close it. */
export interface ShardReader {
  /** Reads a row and those after it into `target` [rows, size, size]: as many as it has room for. */
  read(row: number, target: Int16Array): void;
  /** The same in the system's threads, while this one does something else. */
  readAside(row: number, target: Int16Array): Promise<void>;
  close(): void;
}

/** Open files of one reader; the one used longest ago is closed when there are more. */
const mostOpenFiles = 64;

/** Opens shards to read from; each file is opened when its first slice is asked for. */
export function openShards({ dir, size, shardSlices }: ShardFolder): ShardReader {
  const files = new Map<number, number>();
  let [readings, isClosed] = [0, false];
  /** Closes what is too many; never a file that is being read. */
  const trim = (most: number) => {
    if (readings > 0) return;
    for (const [shard, file] of files) {
      if (files.size <= most) return;
      files.delete(shard);
      closeSync(file);
    }
  };
  const fileOf = (shard: number): number => {
    const known = files.get(shard);
    files.delete(shard);
    if (known === undefined) trim(mostOpenFiles - 1);
    const file = known ?? openSync(shardPaths(dir, shard).data, "r");
    files.set(shard, file);
    return file;
  };
  /** Where the parts of some rows lie, a part for each shard. */
  const partsOf = (row: number, target: Int16Array) => {
    const rows = target.length / (size * size);
    if (!Number.isInteger(rows)) throw new Error(`${target.length} values for slices of ${size} × ${size}`);
    const parts: Part[] = [];
    for (let from = 0; from < rows; ) {
      const shard = Math.floor((row + from) / shardSlices);
      const to = Math.min(rows, (shard + 1) * shardSlices - row);
      const { buffer, byteOffset, byteLength } = target.subarray(from * size * size, to * size * size);
      const position = headerBytes + ((row + from) % shardSlices) * size * size * 2;
      parts.push({ shard, row: row + from, bytes: new Uint8Array(buffer, byteOffset, byteLength), position });
      from = to;
    }
    return parts;
  };
  const check = (got: number, { shard, row, bytes }: Part, file: number) => {
    if (got === bytes.length) return;
    throw new Error(`${shardPaths(dir, shard).data}: ends at ${fstatSync(file).size} bytes, within row ${row}`);
  };
  return {
    read(row, target) {
      for (const part of partsOf(row, target)) {
        const file = fileOf(part.shard);
        check(readSync(file, part.bytes, 0, part.bytes.length, part.position), part, file);
      }
    },
    async readAside(row, target) {
      readings++;
      try {
        await Promise.all(
          partsOf(row, target).map(async (part) => {
            const file = fileOf(part.shard);
            check((await readFrom(file, part.bytes, 0, part.bytes.length, part.position)).bytesRead, part, file);
          }),
        );
      } finally {
        readings--;
        trim(isClosed ? 0 : mostOpenFiles);
      }
    },
    close() {
      isClosed = true;
      trim(0);
    },
  };
}

/** What a read takes from one shard. */
interface Part {
  readonly shard: number;
  readonly row: number;
  readonly bytes: Uint8Array;
  readonly position: number;
}

const readFrom = promisify(read);
