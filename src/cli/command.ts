import { availableParallelism } from "node:os";
import {
  buildCommand,
  type Command,
  type FlagParametersForType,
  type TypedCommandPositionalParameters,
} from "@stricli/core";
import type { CommonFlags, Context } from "./context.ts";
import { wholeNumber } from "./parsers.ts";

/** Arguments that stand without a flag: strings, or what their parser makes of them. */
type Arguments = readonly unknown[];

/** A command as it is declared: words, examples, arguments and flags, and where the work is. */
export interface Declaration<Flags extends CommonFlags, Args extends Arguments = []> {
  /** In one line. */
  readonly summary: string;
  /** What it does and writes, in sentences. */
  readonly description: string;
  /** Whole command lines. */
  readonly examples: readonly string[];
  /** The flags besides those that every command has. */
  readonly flags: FlagParametersForType<Omit<Flags, keyof CommonFlags>, Context>;
  readonly positional?: TypedCommandPositionalParameters<Args, Context>["positional"];
  /** Loads the work, and with it whatever is heavy; `--help` never does. */
  readonly load: () => Promise<(this: Context, flags: Flags, ...args: Args) => Promise<void>>;
}

/** A command, declared: what is listed of it, and what runs it. */
export interface CommandRow {
  readonly summary: string;
  readonly examples: readonly string[];
  readonly built: Command<Context>;
}

/** Flags that every command has. */
const common: FlagParametersForType<CommonFlags, Context> = {
  json: { kind: "boolean", brief: "One JSON document on standard output", default: false, withNegated: false },
  threads: {
    kind: "parsed",
    parse: wholeNumber(1, 256),
    brief: "Threads to work with",
    default: String(availableParallelism()),
    placeholder: "N",
  },
};

/** A row of the table of commands. Parsing, `--help` and `docs/cli.md` derive from the declaration. */
export function command<Flags extends CommonFlags, Args extends Arguments = []>(
  declaration: Declaration<Flags, Args>,
): CommandRow {
  const { summary, description, examples, flags, positional, load } = declaration;
  const parameters = { flags: { ...flags, ...common }, ...(positional === undefined ? {} : { positional }) };
  const built = buildCommand<Flags, Args, Context>({
    loader: load,
    // The compiler cannot see that the flags without the common ones, plus the common ones, are the flags.
    parameters: parameters as unknown as Parameters<typeof buildCommand<Flags, Args, Context>>[0]["parameters"],
    docs: {
      brief: summary,
      fullDescription: `${description}\n\nEXAMPLES\n${examples.join("\n").replace(/^/gm, "  ")}`,
    },
  });
  return { summary, examples, built };
}
