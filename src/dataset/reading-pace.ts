/** Below this share of what the processors could do, they wait for something. */
const busyShare = 0.6;

/** What this process has done so far. */
export interface Usage {
  readonly wallMs: number;
  readonly processorMs: number;
  /** Times that what was read was not in memory, in blocks or pages; 0 for ever where the system does not tell. */
  readonly diskReads: number;
}

function usageOfProcess(): Usage {
  const { userCPUTime, systemCPUTime, fsRead } = process.resourceUsage();
  return { wallMs: performance.now(), processorMs: (userCPUTime + systemCPUTime) / 1000, diskReads: fsRead };
}

/** How many tasks are to be at work at a moment. */
export interface ReadingPace {
  readonly readers: number;
  /** A task of so many files is done. */
  advance(files: number): void;
}

/** How many readers for how many processors. */
export interface PaceOptions {
  readonly threads: number;
  /** Readers of files that are in memory. */
  readonly begin: number;
  /** Readers of files that are on a disk. */
  readonly most: number;
}

/**
 * `begin` readers; twice as many after every round in which files came from the disk and the processors waited for it, up
 * to `most`. So files in memory, and files on a busy machine, are read without threads that only take turns, and a disk
 * is asked for many things at once.
 */
export function openPace({ threads, begin, most }: PaceOptions, usage: () => Usage = usageOfProcess): ReadingPace {
  let readers = begin;
  let [tasks, files] = [0, 0];
  let last = usage();
  return {
    get readers() {
      return readers;
    },
    advance(count) {
      files += count;
      if (++tasks < 2 * readers) return;
      const now = usage();
      const share = (now.processorMs - last.processorMs) / (now.wallMs - last.wallMs) / threads;
      const isCold = now.diskReads - last.diskReads >= files;
      if (isCold && share < busyShare) readers = Math.min(most, 2 * readers);
      [tasks, files, last] = [0, 0, now];
    },
  };
}

/** Whether what is read comes from a disk. */
export interface DiskWatch {
  readonly isCold: boolean;
  /** So many bytes more have been read. */
  advance(bytes: number): void;
}

/** What Linux counts reads of disks in. */
const blockBytes = 512;

/**
 * Cold once half of all bytes that were wanted, or more, came from a disk. It stays so: what is then read past the
 * system's cache does not tell whether it lay there.
 */
export function watchDisk(usage: () => Usage = usageOfProcess): DiskWatch {
  const first = usage().diskReads;
  let [wanted, isCold] = [0, false];
  return {
    get isCold() {
      return isCold;
    },
    advance(bytes) {
      wanted += bytes;
      isCold ||= (usage().diskReads - first) * blockBytes >= wanted / 2;
    },
  };
}

/** Cold while an eighth of the bytes that were wanted last, or more, came from a disk. */
export function watchLatest(usage: () => Usage = usageOfProcess): DiskWatch {
  let [last, isCold] = [usage().diskReads, false];
  return {
    get isCold() {
      return isCold;
    },
    advance(bytes) {
      const now = usage().diskReads;
      if (bytes > 0) isCold = (now - last) * blockBytes >= bytes / 8;
      last = now;
    },
  };
}
