import type { CommandContext } from "@stricli/core";
import type { Progress } from "../base/index.ts";

/** What a command is given besides its arguments: the terminal, and the end of patience. */
export interface Context extends CommandContext {
  readonly process: {
    readonly stdout: Output;
    readonly stderr: Output;
    readonly env: Readonly<Partial<Record<string, string>>>;
    exitCode?: number | string | null;
  };
  readonly progress: Progress;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** What `ichor list commands` prints. */
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
}

/** Where words go. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Flags that every command has. */
export interface CommonFlags {
  readonly json: boolean;
  readonly threads: number;
}
