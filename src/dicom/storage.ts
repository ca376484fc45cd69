import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { fail, type Result } from "../base/index.ts";
import { fileProblem } from "../machine/index.ts";

/** Bytes that can be read at any place: what every reader of this room reads through. Synchronous, for worker threads. */
export interface ByteFile {
  readonly sizeBytes: number;
  /** Time of the last change, milliseconds since 1970. */
  readonly mtimeMs: number;
  /** Reads into the whole of `target` from a place on; answers the bytes read, fewer only where the file ends. */
  read(target: Uint8Array, offset: number): number;
  close(): void;
}

/** Opens a file, for `withFile` or for tests; throws what the system says. */
export function openFile(path: string): ByteFile {
  const descriptor = openSync(path, "r");
  try {
    const { size, mtimeMs } = fstatSync(descriptor);
    return {
      sizeBytes: size,
      mtimeMs,
      read: (target, offset) => readFully(descriptor, target, offset),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Opens a file, uses it, closes it. Problems: those of `use`, and what the system says of the file at any moment. */
export function withFile<T>(path: string, use: (file: ByteFile) => Result<T>): Result<T> {
  let file: ByteFile | undefined;
  try {
    file = openFile(path);
    return use(file);
  } catch (error) {
    return fail(fileProblem(error, path));
  } finally {
    file?.close();
  }
}

function readFully(descriptor: number, target: Uint8Array, offset: number): number {
  let got = 0;
  while (got < target.length) {
    const read = readSync(descriptor, target, got, target.length - got, offset + got);
    if (read === 0) break;
    got += read;
  }
  return got;
}
