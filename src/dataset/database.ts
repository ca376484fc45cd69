import type { DuckDBAppender, DuckDBConnection, DuckDBValue, Json } from "@duckdb/node-api";
import { fail, ok, type Problem, type Result } from "../base/index.ts";

/** A cell of a row that goes into a table. */
export type Cell = string | number | undefined;

/** A table that rows are added to, much faster than by INSERT. */
interface TableWriter {
  append(row: readonly Cell[]): void;
  close(): void;
}

/** A DuckDB database. It owns files and memory: close it. */
export interface Database {
  run(sql: string): Promise<void>;
  /** All rows of a small answer, by column name; integers of 64 bits must be cast to DOUBLE in the SQL. */
  rows(sql: string): Promise<readonly Readonly<Record<string, DuckDBValue>>[]>;
  /** The first rows of an answer, whatever its size, as JSON has them: times as text, and whole numbers beyond 2⁵³. */
  first(sql: string, count: number): Promise<{ readonly names: readonly string[]; readonly rows: readonly Json[][] }>;
  /** Rows of a large answer in chunks of some 2,048, cells in the order of the columns. */
  stream(sql: string): AsyncGenerator<readonly (readonly DuckDBValue[])[], void, void>;
  /** Opens a table whose columns are VARCHAR, INTEGER or DOUBLE. */
  writer(table: string, types: readonly ColumnType[]): Promise<TableWriter>;
  close(): void;
}

/** The types of columns that rows are appended to. */
export type ColumnType = "VARCHAR" | "INTEGER" | "DOUBLE";

/** DuckDB's own buffers; what does not fit is spilled to `folder`. */
const memoryLimit = "320MB";

/**
 * Opens a database in a folder, or in memory where none is named. DuckDB takes 0.4 s to load, so only when it is needed.
 * When the signal is aborted, what runs is interrupted and fails.
 */
export async function openDatabase(o: {
  readonly folder?: string;
  readonly threads: number;
  readonly signal?: AbortSignal;
}): Promise<Database> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(o.folder === undefined ? ":memory:" : `${o.folder}/index.duckdb`, {
    memory_limit: memoryLimit,
    threads: String(Math.max(1, o.threads)),
    ...(o.folder === undefined ? {} : { temp_directory: `${o.folder}/spill` }),
  });
  const reading = await instance.connect();
  const writing = await instance.connect(); // so that rows can be added while an answer is streamed
  const interrupt = () => reading.interrupt();
  o.signal?.addEventListener("abort", interrupt);
  return {
    run: async (sql) => void (await reading.run(sql)),
    rows: async (sql) => (await reading.runAndReadAll(sql)).getRowObjects(),
    async first(sql, count) {
      const reader = await reading.streamAndReadUntil(sql, count);
      const isNumber = reader.columnTypes().map((type) => /INT$|^DECIMAL/.test(type.toString()));
      const number = (cell: Json, column: number) =>
        isNumber[column] && Math.abs(Number(cell ?? Number.NaN)) <= Number.MAX_SAFE_INTEGER ? Number(cell) : cell;
      const rows = reader.getRowsJson().slice(0, count);
      return { names: reader.deduplicatedColumnNames(), rows: rows.map((row) => row.map(number)) };
    },
    stream: async function* (sql) {
      for await (const rows of (await reading.stream(sql)).yieldRows()) yield rows;
    },
    writer: (table, types) => openWriter(writing, table, types),
    close() {
      o.signal?.removeEventListener("abort", interrupt);
      writing.closeSync();
      reading.closeSync();
      instance.closeSync();
    },
  };
}

async function openWriter(
  connection: DuckDBConnection,
  table: string,
  types: readonly ColumnType[],
): Promise<TableWriter> {
  const appender = await connection.createAppender(table);
  return {
    append(row) {
      if (row.length !== types.length) throw new Error(`${row.length} cells for ${types.length} columns of ${table}`);
      for (const [index, cell] of row.entries()) appendCell(appender, cell, types[index]!);
      appender.endRow();
    },
    close: () => appender.closeSync(),
  };
}

function appendCell(appender: DuckDBAppender, cell: Cell, type: ColumnType): void {
  if (cell === undefined) appender.appendNull();
  else if (typeof cell === "string") appender.appendVarchar(cell);
  else if (type === "INTEGER") appender.appendInteger(cell);
  else appender.appendDouble(cell);
}

/** A text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The path of a file to read as an SQL literal; the characters of a glob pattern stand for themselves. */
export function sqlPath(path: string): string {
  return sqlText(path.replaceAll(/[*?[]/g, "[$&]"));
}

/**
 * Runs work on a database and turns what the system or an interrupt did to it into a problem; faults of our own SQL are
 * thrown on.
 */
export async function databaseResult<T>(
  o: { readonly where: string; readonly signal?: AbortSignal | undefined },
  work: () => Promise<Result<T> | T>,
): Promise<Result<T>> {
  try {
    const value = await work();
    return isResult(value) ? value : ok(value);
  } catch (error) {
    if (o.signal?.aborted) return fail(interrupted(o.where));
    const problem = systemProblem(error, o.where);
    if (problem === undefined) throw error;
    return fail(problem);
  }
}

/** The problem of work that its signal stopped. */
export function interrupted(where: string): Problem {
  const next = "run the same command again";
  return { kind: "interrupted", where, got: "an interrupt", expected: "the work to its end", next };
}

/** First line of a message of DuckDB, without the class of the error. */
export function databaseMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n")[0] ?? "").replace(/^[A-Z][A-Za-z ]* Error: /, "");
}

const systemMessages: readonly { readonly pattern: RegExp; readonly kind: string; readonly next: string }[] = [
  { pattern: /No space left/i, kind: "disk full", next: "free some space and run the same command again" },
  { pattern: /out of memory/i, kind: "out of memory", next: "free some memory, or ask for fewer threads" },
  { pattern: /Read-only file system/i, kind: "read-only", next: "choose an output folder that can be written" },
  { pattern: /Permission denied/i, kind: "no permission", next: "mend the permissions, or choose another folder" },
  { pattern: /^IO Error/i, kind: "file error", next: "look at the path and at the disk" },
];

function systemProblem(error: unknown, where: string): Problem | undefined {
  const message = error instanceof Error ? error.message : "";
  const known = systemMessages.find(({ pattern }) => pattern.test(message));
  if (known === undefined) return undefined;
  const expected = "a file that can be read or written";
  return { kind: known.kind, where, got: databaseMessage(error), expected, next: known.next };
}

function isResult<T>(value: Result<T> | T): value is Result<T> {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  return (value.kind === "ok" && "value" in value) || (value.kind === "problem" && "problem" in value);
}
