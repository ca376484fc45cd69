import { openPool, type Pool } from "../machine/index.ts";
import type { Heads } from "../storage/index.ts";
import { type HeaderTask, readHeaders } from "./header-worker.ts";
import type { PackedRows } from "./packed-rows.ts";
import { openPace, type Usage } from "./reading-pace.ts";

/** Headers of this many files are one task of a worker: enough to hide what a message costs, some 10 ms of work. */
export const filesOfTask = 256;

/** Reads in flight that keep a disk busy: 12 did better than 8 on the disk where it was tried; each is a thread of some 10 MB. */
const mostAhead = 12;

/** Reads headers in worker threads. It owns them: close it. */
export interface HeaderReader {
  /** Tasks that are worth being at work at this moment. */
  readonly tasks: number;
  /** The headers of some files (absolute paths), as `readHeaders` answers them. */
  read(paths: readonly string[]): Promise<PackedRows>;
  close(): Promise<void>;
}

/** For how many processors, and about how many files. */
export interface HeaderReaderOptions {
  readonly threads: number;
  readonly files: number;
  /** What this process has used so far: for tests. */
  readonly usage?: () => Usage;
}

/**
 * Threads that open a file and read it to the end of its header, as many as processors and one that waits while another's
 * answer is taken. Where files come from a disk and the processors wait for it, the first page of each file is read ahead
 * by threads that do nothing else: parsing by as many threads as a disk wants reads would push them all out of the
 * processors' caches.
 */
export function openHeaderReader({ threads, files, usage }: HeaderReaderOptions): HeaderReader {
  const parsers: Pool<HeaderTask, PackedRows> =
    files > filesOfTask ? openPool(import.meta.url, "./header-worker", threads + 1) : here;
  let ahead: Pool<readonly string[], Heads> | undefined;
  const pace = openPace({ threads, begin: threads + 1, most: threads + 1 + mostAhead }, usage);
  return {
    get tasks() {
      return pace.readers;
    },
    async read(paths) {
      const isCold = pace.readers > threads + 1;
      if (isCold) ahead ??= openPool(import.meta.url, "./head-worker", mostAhead);
      const heads = isCold ? await ahead?.run(paths) : undefined;
      const transfer = heads && [heads.sizesBytes.buffer, heads.mtimesMs.buffer, heads.bytes.buffer];
      const rows = await parsers.run({ paths, heads }, transfer && { transfer });
      pace.advance(paths.length);
      return rows;
    },
    async close() {
      await Promise.all([parsers.close(), ahead?.close()]);
    },
  };
}

/** A thread takes longer to start than one task. */
const here: Pool<HeaderTask, PackedRows> = {
  run: async (task) => readHeaders(task),
  close: async () => {},
};
