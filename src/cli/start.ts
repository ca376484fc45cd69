import { run } from "@stricli/core";
import { buildApp } from "./app.ts";
import type { CommandRow } from "./command.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./output.ts";
import { terminalProgress } from "./progress.ts";

type Commands = Readonly<Record<string, CommandRow>>;

/**
 * Runs a command line in this process and sets its exit code. The first Ctrl-C aborts the work's signal, the second ends
 * the process.
 */
export async function start(commands: Commands, inputs: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  const progress = terminalProgress(process.stderr, interrupt.signal);
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
  try {
    process.exitCode = await runLine(commands, inputs, { stdout, stderr, env, progress, signal: interrupt.signal });
  } finally {
    progress.close();
  }
}

/** What a command line is run with. */
interface Surroundings
  extends Pick<Context["process"], "stdout" | "stderr" | "env">,
    Pick<Context, "progress" | "signal"> {}

/** Runs a command line, the help where it is empty, and answers the exit code. */
export async function runLine(commands: Commands, inputs: readonly string[], around: Surroundings): Promise<number> {
  const { progress, signal, ...terminal } = around;
  const process: Context["process"] = { ...terminal };
  const names = Object.entries(commands).map(([name, { summary }]) => ({ name, summary }));
  const line = inputs.length === 0 ? ["--help"] : inputs;
  await run(buildApp(commands), line, { process, progress, signal, commands: names });
  const code = exitCodeOf(process.exitCode);
  if (code === exitCodes.usage) {
    const [first = ""] = inputs;
    terminal.stderr.write(`Help: ichor ${Object.hasOwn(commands, first) ? `${first} ` : ""}--help\n`);
  }
  return code;
}

/** Stricli's own codes are negative: -4 and -5 are wrong usage, others a fault while a command is loaded or run. */
function exitCodeOf(code: Context["process"]["exitCode"]): number {
  const number = Number(code ?? exitCodes.done);
  if (number === -4 || number === -5) return exitCodes.usage;
  return number < 0 ? exitCodes.failed : number;
}
