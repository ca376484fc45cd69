import cliProgress from "cli-progress";
import type { Progress, ProgressTask } from "../base/index.ts";
import type { Output } from "./context.ts";

/** Progress on a terminal or a log. */
export interface TerminalProgress extends Progress {
  /** Ends what is still shown: work that was interrupted leaves its bars behind, and a bar keeps the process alive. */
  close(): void;
}

/** A line of progress about so often where there is no terminal. */
const quietMs = 10_000;

/** Columns for the name of a task and for its bar: with percent, time and a note, 80 hold all. */
const nameColumns = 26;
const barColumns = 20;

/**
 * Bars with percent and time left on a terminal; where there is none a plain line at the start, at the end, and about
 * every ten seconds. What ends after the signal was aborted is not said to be done.
 */
export function terminalProgress(output: Output & NodeJS.WritableStream, signal?: AbortSignal): TerminalProgress {
  const open = new Set<() => void>();
  return {
    start(what, total) {
      const shown = output.isTTY ? bar(output, what, total) : lines(output, what, total);
      open.add(shown.abandon);
      return {
        advance: shown.advance,
        done() {
          if (!open.delete(shown.abandon)) return;
          if (signal?.aborted) shown.abandon();
          else shown.done();
        },
      };
    },
    close() {
      for (const abandon of open) abandon();
      open.clear();
    },
  };
}

interface ShownTask extends ProgressTask {
  /** Ends what is shown without saying that the task is done. */
  abandon(): void;
}

/** How far a task is, and how fast it goes. */
interface Pace {
  readonly done: number;
  /** What the work found done when it began, as a resumed training does: it took no time. */
  readonly found: number;
  readonly note: string;
}

/** Steps told so soon after the start were done before. */
const foundWithinMs = 100;

function advanced(pace: Pace, { steps, note = pace.note, begun }: Step): Pace {
  const done = pace.done + steps;
  const found = performance.now() - begun < foundWithinMs ? done : pace.found;
  return { done, found, note };
}

interface Step {
  readonly steps: number;
  readonly note: string | undefined;
  readonly begun: number;
}

const standing: Pace = { done: 0, found: 0, note: "" };

function bar(output: NodeJS.WritableStream, what: string, total: number): ShownTask {
  const shown = new cliProgress.SingleBar({
    stream: output,
    format: `${what.padEnd(nameColumns)} {bar} {percentage}%  {left}  {note}`,
    barsize: barColumns,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
    gracefulExit: false, // Ctrl-C is ours
    fps: 5,
  });
  const begun = performance.now();
  const end = Math.max(1, total);
  let pace = standing;
  const payload = () => ({ left: leftOf(pace, { begun, total }), note: pace.note });
  shown.start(end, 0, payload());
  return {
    advance(steps, note) {
      pace = advanced(pace, { steps, note, begun });
      shown.update(Math.min(pace.done, end), payload());
    },
    done() {
      shown.update(end, { left: spent(begun), note: pace.note });
      shown.stop();
    },
    abandon: () => shown.stop(),
  };
}

function lines(output: Output, what: string, total: number): ShownTask {
  const begun = performance.now();
  let told = begun;
  let pace = standing;
  const tell = () => {
    if (performance.now() - told < quietMs) return;
    told = performance.now();
    const { done, note } = pace;
    const share = total > 0 ? `${Math.floor((100 * Math.min(done, total)) / total)} %` : `${done}`;
    const parts = [share, leftOf(pace, { begun, total }), note].filter((part) => part !== "");
    output.write(`${what}: ${parts.join(", ")}\n`);
  };
  output.write(`${what} …\n`);
  const clock = setInterval(tell, quietMs / 4).unref(); // steps may be rarer than lines
  return {
    advance(steps, note) {
      pace = advanced(pace, { steps, note, begun });
      tell();
    },
    done() {
      clearInterval(clock);
      output.write(`${what}: done in ${spent(begun)}${pace.note === "" ? "" : `, ${pace.note}`}\n`);
    },
    abandon: () => clearInterval(clock),
  };
}

/** Time left if the rest goes as fast as what was done since the start; nothing to say of it before the first step. */
function leftOf({ done, found }: Pace, { begun, total }: { readonly begun: number; readonly total: number }): string {
  if (done <= found || total <= done) return "";
  return `${inWords(((performance.now() - begun) * (total - done)) / (done - found))} left`;
}

const spent = (begun: number) => inWords(performance.now() - begun);

/** A duration as people say it: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min. */
export function inWords(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
