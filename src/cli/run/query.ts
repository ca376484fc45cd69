import { type Answer, queryIndex } from "../../dataset/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { columns, show } from "../output.ts";

/** Flags of `ichor query`. */
export interface QueryFlags extends CommonFlags {
  readonly rows: number;
}

/** `ichor query`. */
export async function runQuery(this: Context, flags: QueryFlags, path: string, sql: string): Promise<void> {
  const { threads, rows } = flags;
  const answer = await queryIndex({ path, sql, most: rows, threads, signal: this.signal });
  if (answer.kind === "ok" && answer.value.extent === "cut") {
    this.process.stderr.write(`The first ${rows} rows; --rows asks for more.\n`);
  }
  show(this, answer, { flags, text: answerText });
}

function answerText({ columns: names, rows }: Answer): string {
  return columns([names, ...rows.map((row) => row.map(cellText))]);
}

/** A number in at most six digits behind the point; nothing where there is no value. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "number" && !Number.isInteger(cell)) return String(Number(cell.toFixed(6)));
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}
