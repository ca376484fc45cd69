import type { ByteFile } from "./byte-file.ts";
import { type FileStart, openDirectReader } from "./direct.ts";
import { entrySeparator } from "./entry-name.ts";

/** The first bytes of some files, as another thread has read them; plain arrays, to be handed over. */
export interface Heads {
  /** [files]: of the whole file; NaN where it was not read: an entry of an archive, or a file that cannot be opened. */
  readonly sizesBytes: Float64Array<ArrayBuffer>;
  /** [files]: time of the last change, milliseconds since 1970. */
  readonly mtimesMs: Float64Array<ArrayBuffer>;
  /** [files, headBytes]: as far as the file goes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One page: what nearly every header fits in. */
export const headBytes = 4096;

const readStart = openDirectReader(headBytes);

/** Reads the heads of files that lie on a disk. What is wrong with one is said when it is opened. */
export function readHeads(paths: readonly string[]): Heads {
  const sizesBytes = new Float64Array(paths.length).fill(Number.NaN);
  const mtimesMs = new Float64Array(paths.length);
  const bytes = new Uint8Array(paths.length * headBytes);
  for (const [at, path] of paths.entries()) {
    const start = path.includes(entrySeparator) ? undefined : readStart(path);
    if (start === undefined) continue;
    sizesBytes[at] = start.sizeBytes;
    mtimesMs[at] = start.mtimeMs;
    bytes.set(start.bytes, at * headBytes);
  }
  return { sizesBytes, mtimesMs, bytes };
}

let known: ReadonlyMap<string, FileStart> = new Map();

/**
 * Does something with files whose first bytes are at hand: within it, in this thread, they are read from memory so far.
 */
export function withStarts<T>(starts: ReadonlyMap<string, FileStart>, use: () => T): T {
  known = starts;
  try {
    return use();
  } finally {
    known = new Map();
  }
}

/** The same with heads of the files of these paths. */
export function withHeads<T>(paths: readonly string[], { sizesBytes, mtimesMs, bytes }: Heads, use: () => T): T {
  const starts = paths.flatMap((path, at): [string, FileStart][] => {
    const sizeBytes = sizesBytes[at]!;
    if (Number.isNaN(sizeBytes)) return [];
    const from = at * headBytes;
    return [
      [path, { sizeBytes, mtimeMs: mtimesMs[at]!, bytes: bytes.subarray(from, from + Math.min(sizeBytes, headBytes)) }],
    ];
  });
  return withStarts(new Map(starts), use);
}

/** A file whose head is at hand, which is opened when more of it is asked for; else undefined. */
export function openHead(path: string, openWhole: () => ByteFile): ByteFile | undefined {
  const head = known.get(path);
  if (head === undefined) return undefined;
  const { sizeBytes, mtimeMs, bytes } = head;
  let whole: ByteFile | undefined;
  return {
    sizeBytes,
    mtimeMs,
    start: bytes,
    read(target, offset) {
      const there = Math.min(offset + target.length, sizeBytes);
      if (there > bytes.length) {
        whole ??= openWhole();
        return whole.read(target, offset);
      }
      const part = bytes.subarray(Math.min(offset, there), there);
      target.set(part);
      return part.length;
    },
    close: () => whole?.close(),
  };
}
