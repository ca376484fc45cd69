import cliProgress from "cli-progress";
import type { Progress, ProgressTask } from "../base/index.ts";

/** Where progress is written: standard error, so that results can be piped. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** A line of progress at most so often where there is no terminal. */
const quietMs = 10_000;

/** Bars with percent and time left on a terminal; a plain line now and then where there is none. */
export function terminalProgress(terminal: Terminal & NodeJS.WritableStream): Progress {
  return { start: (what, total) => (terminal.isTTY ? bar(terminal, what, total) : lines(terminal, what, total)) };
}

function bar(terminal: NodeJS.WritableStream, what: string, total: number): ProgressTask {
  const shown = new cliProgress.SingleBar({
    stream: terminal,
    format: `${what.padEnd(28)} {bar} {percentage}% | {left} | {note}`,
    barsize: 28,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
    fps: 5,
  });
  const begun = performance.now();
  let done = 0;
  let note = "";
  const payload = () => ({ left: leftOf({ begun, done, total }), note });
  shown.start(Math.max(1, total), 0, payload());
  return {
    advance(steps, said) {
      done += steps;
      note = said ?? note;
      shown.update(Math.min(done, Math.max(1, total)), payload());
    },
    done() {
      shown.update(Math.max(1, total), { left: spent(begun), note });
      shown.stop();
    },
  };
}

function lines(terminal: Terminal, what: string, total: number): ProgressTask {
  const begun = performance.now();
  let told = begun;
  let done = 0;
  let note = "";
  return {
    advance(steps, said) {
      done += steps;
      note = said ?? note;
      if (performance.now() - told < quietMs) return;
      told = performance.now();
      const share = total > 0 ? `${Math.floor((100 * done) / total)}%` : `${done}`;
      terminal.write(`${what}: ${share}, ${leftOf({ begun, done, total })}${note === "" ? "" : `, ${note}`}\n`);
    },
    done() {
      terminal.write(`${what}: done, ${spent(begun)}${note === "" ? "" : `, ${note}`}\n`);
    },
  };
}

/** Time left if the rest goes as fast as what is done. */
function leftOf({
  begun,
  done,
  total,
}: {
  readonly begun: number;
  readonly done: number;
  readonly total: number;
}): string {
  if (done === 0 || total <= done) return "…";
  return `${inWords(((performance.now() - begun) * (total - done)) / done)} left`;
}

const spent = (begun: number) => `${inWords(performance.now() - begun)}`;

/** A duration as people say it: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min. */
export function inWords(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(Math.floor(seconds % 60))} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}
