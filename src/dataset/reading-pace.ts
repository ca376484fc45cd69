/** Reads in flight that keep a disk busy: beyond 16 nothing is gained (measured, see docs/benchmarks.md). */
export const mostReaders = 16;

/** Below this share of what the processors could do, they wait for the disk. */
const busyShare = 0.6;

/** Milliseconds of work and milliseconds on the clock, since any time. */
export interface Clocks {
  processorMs(): number;
  wallMs(): number;
}

const thisProcess: Clocks = {
  processorMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  wallMs: () => performance.now(),
};

/** How many tasks are to be at work at a moment. */
export interface ReadingPace {
  readonly readers: number;
  /** A task is done. */
  advance(): void;
}

/**
 * As many readers as processors, and one that waits while another's answer is taken; where the processors wait for the
 * disk, twice as many after every round, up to 16. So files in memory are read without threads that only take turns, and
 * a disk is asked for many things at once.
 */
export function openPace(threads: number, clocks: Clocks = thisProcess): ReadingPace {
  let readers = threads + 1;
  let done = 0;
  let [wall, processor] = [clocks.wallMs(), clocks.processorMs()];
  return {
    get readers() {
      return readers;
    },
    advance() {
      if (++done < 2 * readers) return;
      const [wallNow, processorNow] = [clocks.wallMs(), clocks.processorMs()];
      const share = (processorNow - processor) / (wallNow - wall) / threads;
      if (share < busyShare && readers < mostReaders) readers = Math.min(mostReaders, 2 * readers);
      [done, wall, processor] = [0, wallNow, processorNow];
    },
  };
}
