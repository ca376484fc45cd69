import { fail, ok, type Result } from "../base/index.ts";
import { type Database, databaseMessage, databaseResult, openDatabase, sqlPath, sqlText } from "./database.ts";
import { findIndex, readRoot } from "./open-index.ts";

/** What a question gave: names of its columns, and its rows as JSON has them. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** "cut" where there are more rows than were asked for. */
  readonly extent: "whole" | "cut";
}

/** A question to an index. */
export interface Question {
  /** `index.parquet` or its folder. */
  readonly path: string;
  /** One SELECT of DuckDB's SQL over `files` (a row a file or frame) and `slices` (the used ones). */
  readonly sql: string;
  /** At most so many rows are answered. */
  readonly most: number;
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks an index by SQL. The question sees the index alone: it can neither read nor write another file, nor load an
 * extension. Problems: those of openIndex, "SQL" with the database's own words, an interrupt.
 */
export async function queryIndex({ path, sql, most, threads, signal }: Question): Promise<Result<Answer>> {
  const found = findIndex(path);
  if (found.kind === "problem") return found;
  const file = found.value;
  return databaseResult({ where: file, signal }, async () => {
    const database = await openDatabase({ threads, ...(signal === undefined ? {} : { signal }) });
    try {
      const root = await readRoot(database, file);
      if (root.kind === "problem") return root;
      await showIndexAlone(database, file);
      return await ask(database, { sql, most, signal });
    } finally {
      database.close();
    }
  });
}

/** Views of the index, then a lock: what a question names besides them is refused by the database. */
async function showIndexAlone(database: Database, file: string): Promise<void> {
  await database.run(`
    CREATE VIEW files AS SELECT * FROM read_parquet(${sqlPath(file)});
    CREATE VIEW slices AS SELECT * EXCLUDE (status, reason, detail) FROM files WHERE status = 'used';
    SET allowed_paths = [${sqlText(file)}];
    SET enable_external_access = false;
    SET lock_configuration = true`);
}

async function ask(
  database: Database,
  { sql, most, signal }: Pick<Question, "sql" | "most"> & { readonly signal: AbortSignal | undefined },
): Promise<Result<Answer>> {
  try {
    // In brackets a question is a SELECT; the line break ends a comment. The database is in memory: nothing else changes.
    const { names, rows } = await database.first(`FROM (${sql.trim().replace(/;$/, "")}\n)`, most + 1);
    return ok({ columns: names, rows: rows.slice(0, most), extent: rows.length > most ? "cut" : "whole" });
  } catch (error) {
    if (signal?.aborted) throw error;
    return fail({
      kind: "SQL",
      where: sql,
      got: databaseMessage(error),
      expected: "one SELECT over files or slices, in DuckDB's SQL",
      next: 'see the columns with "DESCRIBE slices", and examples in docs/questions.md',
    });
  }
}
