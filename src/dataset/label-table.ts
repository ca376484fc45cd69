import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { fileProblem } from "../machine/index.ts";
import { type Database, databaseMessage } from "./database.ts";
import {
  conflictingLabels,
  gatherLabels,
  incompleteLabels,
  keepLabels,
  malformedLabels,
  readLabels,
} from "./index-sql.ts";

/** What the competition calls the table of labels, the one to prefer first. */
export const labelTableNames: readonly string[] = ["stage_2_train.csv", "stage_1_train.csv"];

const header = "ID,Label";
const expectedTable = `${header}, then lines such as ID_0002081b6_epidural,0: six a slice, each 0 to 1`;

/**
 * Reads a label table into `slice_labels`. Equal rows that stand twice (a known fault of the competition's table) count
 * once. Problems: no such file, another header, an ID that does not end in a label, a value outside 0 … 1, a label
 * missing of a slice, a label given twice with different values; each with its line.
 */
export async function loadLabels(database: Database, path: string): Promise<Result<void>> {
  const headed = await checkHeader(path);
  if (headed.kind === "problem") return headed;
  try {
    await database.run(readLabels(path));
  } catch (error) {
    const line = /CSV Error on Line: (\d+)/.exec(String(error))?.[1];
    if (line === undefined) throw error;
    const next = "mend that line, or export the table again as UTF-8";
    return fail({
      kind: "malformed line",
      ...tableProblem,
      where: `${path} → line ${line}`,
      got: lineCause(error),
      next,
    });
  }
  const problem = (await malformed(database, path)) ?? (await unfit(database, path));
  if (problem !== undefined) return fail(problem);
  await database.run(keepLabels);
  return ok(undefined);
}

const tableProblem = { expected: expectedTable, next: "mend that line" };

/** The header must be exact: a table without one would lose its first label, another order would mix columns. */
async function checkHeader(path: string): Promise<Result<void>> {
  const start = Buffer.alloc(256);
  try {
    const file = await open(path, "r");
    try {
      await file.read(start, 0, start.length, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    return fail(fileProblem(error, path));
  }
  const first =
    start
      .toString("utf8")
      .replace(/\0.*$/s, "")
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)[0] ?? "";
  if (first.replaceAll('"', "").trimEnd() === header) return ok(undefined);
  const next = `name the right file with --labels, or give its columns the header ${header}`;
  return fail({
    kind: "wrong header",
    ...tableProblem,
    where: `${path} → line 1`,
    got: first === "" ? "an empty file" : first.slice(0, 80),
    next,
  });
}

/** What DuckDB has against a line, from its message, without the line itself twice. */
function lineCause(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  if (/not utf-8/i.test(message)) return "bytes that are not UTF-8";
  return /Expected Number of Columns: .*/.exec(message)?.[0] ?? databaseMessage(error);
}

async function malformed(database: Database, path: string): Promise<Problem | undefined> {
  const [row] = await database.rows(malformedLabels);
  if (row === undefined) return undefined;
  const id = String(row["id"]);
  const [line] = await linesOf(path, id);
  const others = alsoOthers(Number(row["found"]));
  const where = `${path} → line ${line ?? "?"}`;
  if (row["name"] === "") return { kind: "malformed ID", ...tableProblem, where, got: `the ID "${id}"${others}` };
  return {
    kind: "label outside 0–1",
    ...tableProblem,
    where: `${where} (${id})`,
    got: `the label "${row["label"]}"${others}`,
  };
}

async function unfit(database: Database, path: string): Promise<Problem | undefined> {
  await database.run(gatherLabels);
  const [conflict] = await database.rows(conflictingLabels);
  if (conflict !== undefined) {
    const id = `${conflict["slice_id"]}_${conflict["name"]}`;
    const lines = await linesOf(path, id);
    return {
      kind: "conflicting labels",
      expected: expectedTable,
      where: `${path} → lines ${lines.join(" and ")} (${id})`,
      got: `different labels for one ID${alsoOthers(Number(conflict["found"]))}`,
      next: "find out which is right and delete the other",
    };
  }
  const [incomplete] = await database.rows(incompleteLabels);
  if (incomplete === undefined) return undefined;
  return {
    kind: "missing labels",
    expected: expectedTable,
    where: `${path} → ${incomplete["slice_id"]}`,
    got: `no line for ${incomplete["missing"]}${alsoOthers(Number(incomplete["found"]))}`,
    next: "add the lines that are missing, or delete the other lines of that slice",
  };
}

function alsoOthers(found: number): string {
  return found > 1 ? ` (and ${found - 1} more such)` : "";
}

/** Numbers of the first two lines that speak of an ID. Only for messages: the table is read a second time. */
async function linesOf(path: string, id: string): Promise<readonly number[]> {
  const found: number[] = [];
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    if (line > 1 && (text.split(",")[0] ?? "").replace(/^"(.*)"$/, "$1") === id && text !== "") found.push(line);
    if (found.length === 2) break;
  }
  return found;
}
