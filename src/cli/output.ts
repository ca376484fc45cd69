import { styleText } from "node:util";
import type { Problem, Result } from "../base/index.ts";
import type { CommonFlags, Context } from "./context.ts";

/** Exit codes: done, the work failed or the input was refused, wrong usage, interrupted. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Text in a style where standard error is a terminal that wants colour (https://no-color.org). */
function styled({ process }: Context, style: "bold" | "dim" | "red", text: string): string {
  return process.stderr.isTTY && !process.env["NO_COLOR"] ? styleText(style, text, { validateStream: false }) : text;
}

/** Shows what came of a command: its text, or with --json one document; a problem on standard error. Sets the exit code. */
export function show<T>(
  context: Context,
  result: Result<T>,
  { flags, text }: { readonly flags: CommonFlags; readonly text: (value: T) => string },
): void {
  const { stdout } = context.process;
  if (result.kind === "problem") showProblem(context, result.problem, flags);
  else stdout.write(flags.json ? `${JSON.stringify(result.value)}\n` : text(result.value));
}

/** A problem for people on standard error, and with --json as a document on standard output. Sets the exit code. */
export function showProblem(context: Context, problem: Problem, flags: CommonFlags): void {
  const { stdout, stderr } = context.process;
  context.process.exitCode = problem.kind === "interrupted" ? exitCodes.interrupted : exitCodes.failed;
  if (flags.json) stdout.write(`${JSON.stringify({ problem })}\n`);
  const line = (name: string, value: string) => `  ${styled(context, "dim", name.padEnd(9))} ${oneLine(value)}\n`;
  stderr.write(`${styled(context, "red", problem.kind)}\n`);
  stderr.write(line("where", problem.where) + line("got", problem.got) + line("expected", problem.expected));
  stderr.write(line("next", problem.next));
}

/** Text on one line, without what would steer a terminal: values, names and paths of files are not to be trusted. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
}

/** Rows as aligned columns; columns whose every cell looks like a number are set to the right. */
export function columns(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(oneLine));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const right = widths.map((_, column) => rows.slice(1).every((row) => /^[\d.,%* −–-]*$/.test(row[column] ?? "")));
  const cell = (text: string, column: number) =>
    right[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return rows.map((row) => `${row.map(cell).join("  ").trimEnd()}\n`).join("");
}

/** A count with its noun: 1 patient, 2 patients, 3 studies. The plural of "series" is its own. */
export function counted(count: number, noun: string): string {
  const many = noun === "series" ? noun : noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count} ${count === 1 ? noun : many}`;
}
