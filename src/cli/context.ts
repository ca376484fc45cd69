import type { CommandContext } from "@stricli/core";
import type { Progress } from "../base/index.ts";

/** What a command is given besides its arguments: the terminal, and the end of patience. */
export interface Context extends CommandContext {
  readonly process: {
    readonly stdout: NodeJS.WriteStream;
    readonly stderr: NodeJS.WriteStream;
    readonly env: Readonly<Partial<Record<string, string>>>;
    exitCode?: number | string | null;
  };
  readonly progress: Progress;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Flags that every command has. */
export interface CommonFlags {
  readonly json: boolean;
  readonly threads: number;
}
