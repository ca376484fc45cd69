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
 * every ten seconds.
 */
export function terminalProgress(output: Output & NodeJS.WritableStream): TerminalProgress {
  const open = new Set<() => void>();
  return {
    start(what, total) {
      const shown = output.isTTY ? bar(output, what, total) : lines(output, what, total);
      open.add(shown.abandon);
      return {
        advance: shown.advance,
        done() {
          if (open.delete(shown.abandon)) shown.done();
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
  let done = 0;
  let note = "";
  const payload = () => ({ left: leftOf({ begun, done, total }), note });
  shown.start(end, 0, payload());
  return {
    advance(steps, said) {
      done += steps;
      note = said ?? note;
      shown.update(Math.min(done, end), payload());
    },
    done() {
      shown.update(end, { left: spent(begun), note });
      shown.stop();
    },
    abandon: () => shown.stop(),
  };
}

function lines(output: Output, what: string, total: number): ShownTask {
  const begun = performance.now();
  let told = begun;
  let done = 0;
  let note = "";
  const tell = () => {
    if (performance.now() - told < quietMs) return;
    told = performance.now();
    const share = total > 0 ? `${Math.floor((100 * Math.min(done, total)) / total)} %` : `${done}`;
    output.write(
      `${what}: ${[share, leftOf({ begun, done, total }), note].filter((part) => part !== "").join(", ")}\n`,
    );
  };
  output.write(`${what} …\n`);
  const clock = setInterval(tell, quietMs / 4).unref(); // steps may be rarer than lines
  return {
    advance(steps, said) {
      done += steps;
      note = said ?? note;
      tell();
    },
    done() {
      clearInterval(clock);
      output.write(`${what}: done in ${spent(begun)}${note === "" ? "" : `, ${note}`}\n`);
    },
    abandon: () => clearInterval(clock),
  };
}

/** Time left if the rest goes as fast as what is done; nothing to say of it before the first step. */
function leftOf(task: { readonly begun: number; readonly done: number; readonly total: number }): string {
  const { begun, done, total } = task;
  if (done <= 0 || total <= done) return "";
  return `${inWords(((performance.now() - begun) * (total - done)) / done)} left`;
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
