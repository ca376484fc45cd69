import { closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import type { ByteFile } from "./byte-file.ts";

/** The first bytes of a file, or all of them, and what the file was when they were read. */
export interface FileStart extends Pick<ByteFile, "sizeBytes" | "mtimeMs"> {
  /** Lent until the next start is asked for. */
  readonly bytes: Uint8Array;
}

/** What disks and memory are addressed in at the most; places and lengths of a direct read are multiples of it. */
const blockBytes = 4096;

/** What arrays are placed at multiples of. */
const arrayBytes = 16;

/** Pages that a disk too sees as one piece, where the system gives them: into scattered ones it reads half as fast. */
const hugePageBytes = 2 ** 21;

/** Memory that files are read into past the system's cache, in slots. */
interface DirectMemory {
  /** Of one start. */
  readonly slotBytes: number;
  open(path: string): OpenFile;
  /** A slot, `slotBytes` in whole blocks, that this file can be read into. */
  slot(index: number, file: OpenFile): Uint8Array;
}

interface OpenFile {
  readonly descriptor: number;
  readonly by: "direct" | "cache";
}

/**
 * Where the system reads past its cache (Linux, O_DIRECT), memory must be aligned, and JavaScript is not told where it
 * lies: the place is found by trying. Where the system or the file system does not, files are opened in the plain way.
 */
function openDirectMemory(slots: number, slotBytes: number): DirectMemory {
  const stride = Math.ceil(slotBytes / blockBytes) * blockBytes;
  const lead = stride < hugePageBytes ? 0 : hugePageBytes; // the first huge page begins anywhere in it
  let memory: Uint8Array | undefined;
  let place: number | undefined;
  let isDirect = constants.O_DIRECT !== undefined;

  const align = (target: Uint8Array, descriptor: number): number | undefined => {
    for (let at = lead; at < lead + blockBytes; at += arrayBytes) {
      try {
        readSync(descriptor, target, at, blockBytes, 0);
        return at;
      } catch (error) {
        if (!isInvalid(error)) throw error;
      }
    }
    isDirect = false;
    return undefined;
  };

  return {
    slotBytes,
    open(path) {
      if (isDirect) {
        try {
          return { descriptor: openSync(path, constants.O_RDONLY | constants.O_DIRECT), by: "direct" };
        } catch (error) {
          if (!isInvalid(error)) throw error; // else this file system does not
        }
      }
      return { descriptor: openSync(path, constants.O_RDONLY), by: "cache" };
    },
    slot(index, { descriptor, by }) {
      memory ??= new Uint8Array(lead + blockBytes + slots * stride + lead);
      if (by === "direct") place ??= align(memory, descriptor);
      const first = place ?? lead;
      return memory.subarray(first + index * stride, first + (index + 1) * stride);
    },
  };
}

const isInvalid = (error: unknown) => error instanceof Error && "code" in error && error.code === "EINVAL";

/** A start that is yet to be read. */
interface OpenStart extends FileStart {
  readonly descriptor: number;
  /** What the start lies in, whole blocks. */
  readonly target: Uint8Array;
}

function openStart(memory: DirectMemory, path: string, index: number): OpenStart {
  const file = memory.open(path);
  const { descriptor } = file;
  try {
    const { size, mtimeMs } = fstatSync(descriptor);
    const length = Math.min(size, memory.slotBytes);
    const whole = Math.ceil(length / blockBytes) * blockBytes;
    // Nothing is tried on an empty file, which takes every place.
    const target = whole === 0 ? new Uint8Array() : memory.slot(index, file).subarray(0, whole);
    return { descriptor, sizeBytes: size, mtimeMs, bytes: target.subarray(0, length), target };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

const startOf = ({ sizeBytes, mtimeMs, bytes }: OpenStart, got: number): FileStart | undefined =>
  got < bytes.length ? undefined : { sizeBytes, mtimeMs, bytes };

/**
 * Reads starts of files that come from a disk and are wanted once, past the system's cache where it lets them, at most
 * `mostBytes` of each. That takes a third of the processor time of a read by way of the cache, and leaves what others
 * have there. `undefined` for whatever goes wrong: reading in the plain way says what it is.
 */
export function openDirectReader(mostBytes: number): (path: string) => FileStart | undefined {
  const memory = openDirectMemory(1, mostBytes);
  return (path) => {
    try {
      const start = openStart(memory, path, 0);
      try {
        return startOf(start, readSync(start.descriptor, start.target, 0, start.target.length, 0));
      } finally {
        closeSync(start.descriptor);
      }
    } catch {
      return undefined;
    }
  };
}

const readLater = promisify(read);

/** Starts that are read while others are used: a disk is always at work. */
const startsAhead = 2;

/** As `openDirectReader`, for files one after the other, which are read while those before them are used. */
export function openAheadReader(
  mostBytes: number,
): (paths: readonly string[]) => AsyncGenerator<FileStart | undefined, void, void> {
  const slots = startsAhead + 1;
  const memory = openDirectMemory(slots, mostBytes);
  const begin = async (path: string, index: number): Promise<FileStart | undefined> => {
    try {
      const start = openStart(memory, path, index % slots);
      try {
        return startOf(start, (await readLater(start.descriptor, start.target, 0, start.target.length, 0)).bytesRead);
      } finally {
        closeSync(start.descriptor);
      }
    } catch {
      return undefined;
    }
  };
  return async function* (paths) {
    const reads: Promise<FileStart | undefined>[] = [];
    try {
      for (let at = 0; at < paths.length; at++) {
        while (reads.length < Math.min(paths.length, at + slots)) reads.push(begin(paths[reads.length]!, reads.length));
        yield await reads[at];
      }
    } finally {
      await Promise.all(reads); // whoever stops early leaves no file open, and no read into memory that is used again
    }
  };
}
