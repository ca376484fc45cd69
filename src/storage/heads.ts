import { closeSync, fstatSync, openSync } from "node:fs";
import type { ByteFile } from "./byte-file.ts";
import { entrySeparator } from "./entry-name.ts";
import { readFully } from "./read-fully.ts";

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

/** Reads the heads of files. What is wrong with one is said when it is opened. */
export function readHeads(paths: readonly string[]): Heads {
  const sizesBytes = new Float64Array(paths.length).fill(Number.NaN);
  const mtimesMs = new Float64Array(paths.length);
  const bytes = new Uint8Array(paths.length * headBytes);
  for (const [at, path] of paths.entries()) {
    if (path.includes(entrySeparator)) continue;
    let descriptor: number | undefined;
    try {
      descriptor = openSync(path, "r");
      const { size, mtimeMs } = fstatSync(descriptor);
      const wanted = Math.min(size, headBytes);
      if (readFully(descriptor, bytes.subarray(at * headBytes, at * headBytes + wanted), 0) < wanted) continue;
      sizesBytes[at] = size;
      mtimesMs[at] = mtimeMs;
    } catch {
      // as if it had not been tried
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
  return { sizesBytes, mtimesMs, bytes };
}

type Head = Pick<ByteFile, "sizeBytes" | "mtimeMs"> & { readonly bytes: Uint8Array };

let known: ReadonlyMap<string, Head> = new Map();

/** Does something with files whose heads are at hand: within it, in this thread, they are read from memory so far. */
export function withHeads<T>(paths: readonly string[], { sizesBytes, mtimesMs, bytes }: Heads, use: () => T): T {
  const heads = paths.flatMap((path, at): [string, Head][] => {
    const sizeBytes = sizesBytes[at]!;
    if (Number.isNaN(sizeBytes)) return [];
    const from = at * headBytes;
    return [
      [path, { sizeBytes, mtimeMs: mtimesMs[at]!, bytes: bytes.subarray(from, from + Math.min(sizeBytes, headBytes)) }],
    ];
  });
  known = new Map(heads);
  try {
    return use();
  } finally {
    known = new Map();
  }
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
