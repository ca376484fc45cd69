import { run } from "@stricli/core";
import { buildApp } from "./app.ts";
import type { CommandRow } from "./command.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./output.ts";
import { terminalProgress } from "./progress.ts";

/**
 * Runs a command line in this process and sets its exit code. The first Ctrl-C aborts the work's signal, the second ends
 * the process.
 */
export async function start(commands: Readonly<Record<string, CommandRow>>, inputs: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  const progress = terminalProgress(process.stderr);
  process.on("SIGINT", () => {
    if (interrupt.signal.aborted) {
      progress.close(); // gives the cursor back
      process.exit(exitCodes.interrupted);
    }
    process.stderr.write("\nStopping at the next safe point; Ctrl-C again stops at once.\n");
    interrupt.abort();
  });
  // A reader that has seen enough (| head) is no fault of ours.
  process.stdout.on("error", (error) => {
    if ("code" in error && error.code === "EPIPE") process.exit(exitCodes.done);
    throw error;
  });
  const { stdout, stderr, env } = process;
  const terminal: Context["process"] = { stdout, stderr, env };
  const names = Object.entries(commands).map(([name, { summary }]) => ({ name, summary }));
  await run(buildApp(commands), inputs.length === 0 ? ["--help"] : inputs, {
    process: terminal,
    progress,
    signal: interrupt.signal,
    commands: names,
  });
  progress.close();
  process.exitCode = exitCodeOf(terminal.exitCode);
  if (process.exitCode !== exitCodes.usage) return;
  const [first = ""] = inputs;
  stderr.write(`Help: ichor ${first in commands ? `${first} ` : ""}--help\n`);
}

/** Stricli's own codes are negative: -4 and -5 are wrong usage, others a fault while a command is loaded or run. */
function exitCodeOf(code: Context["process"]["exitCode"]): number {
  const number = Number(code ?? exitCodes.done);
  if (number === -4 || number === -5) return exitCodes.usage;
  return number < 0 ? exitCodes.failed : number;
}
