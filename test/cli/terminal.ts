// A terminal for tests: remembers what is written.
import { silent } from "../../src/base/index.ts";
import { type CommandRow, commands as ownCommands, runLine } from "../../src/cli/index.ts";

/** What came of a command line. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and with what a line is run. */
export interface Setting {
  readonly commands?: Readonly<Record<string, CommandRow>>;
  readonly isTTY?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Runs a command line in this process. */
export async function ichor(inputs: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const { commands = ownCommands, isTTY = false, env = {}, signal = new AbortController().signal } = setting;
  const written = { stdout: "", stderr: "" };
  const output = (name: keyof typeof written) => ({
    isTTY,
    write(text: string) {
      written[name] += text;
    },
  });
  const around = { stdout: output("stdout"), stderr: output("stderr"), env, progress: silent, signal };
  const code = await runLine(commands, inputs, around);
  return { code, ...written };
}
