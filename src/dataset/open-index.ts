import { createHash, type Hash } from "node:crypto";
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { labelCount, labels } from "../labels/index.ts";
import { fileProblem } from "../machine/index.ts";
import { type Database, databaseMessage, databaseResult, openDatabase } from "./database.ts";
import { countUsed, indexVersion, readMetadata, selectUsed } from "./index-sql.ts";
import { indexFiles } from "./index-summary.ts";
import type { Part, SliceTable } from "./table.ts";

const metadataSchema = z.object({ version: z.int(), root: z.string() });

/**
 * Opens an index: `path` is `index.parquet` or its folder. Only the used slices are read.
 * Problems: no such file, no Parquet, not written by `ichor index` or by another version.
 */
export async function openIndex(path: string): Promise<Result<SliceTable>> {
  const found = findIndex(resolve(path));
  if (found.kind === "problem") return found;
  const file = found.value;
  return databaseResult({ where: file }, async () => {
    const database = await openDatabase({ threads: 2 });
    try {
      const root = await readRoot(database, file);
      return root.kind === "problem" ? root : ok(await readTable(database, file, root.value));
    } finally {
      database.close();
    }
  });
}

/** The Parquet file that a path names: itself, or in the folder. */
export function findIndex(path: string): Result<string> {
  try {
    const file = statSync(path).isDirectory() ? join(path, indexFiles.index) : path;
    statSync(file);
    return ok(file);
  } catch (error) {
    return fail({
      ...fileProblem(error, path),
      expected: `${indexFiles.index} or the folder it lies in`,
      next: makeOne,
    });
  }
}

const makeOne = "make one with: ichor index DATA --out DIR";

/** The data folder that an index was made of; refuses a file that is no index, or one of another version. */
export async function readRoot(database: Database, file: string): Promise<Result<string>> {
  const expected = `an index of version ${indexVersion}`;
  const refuse = (got: string): { readonly kind: "problem"; readonly problem: Problem } =>
    fail({ kind: "not an index", where: file, got, expected, next: makeOne });
  let rows: Awaited<ReturnType<Database["rows"]>>;
  try {
    rows = await database.rows(readMetadata(file));
  } catch (error) {
    return refuse(databaseMessage(error));
  }
  if (rows[0] === undefined) return refuse("a Parquet file of another kind");
  const metadata = metadataSchema.safeParse(parseJson(String(rows[0]["value"])));
  if (!metadata.success) return refuse("a file that says otherwise of itself");
  const { version, root } = metadata.data;
  return version === indexVersion ? ok(root) : refuse(`an index of version ${version}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readTable(database: Database, file: string, root: string): Promise<SliceTable> {
  const [counted] = await database.rows(countUsed(file));
  const count = Number(counted!["slices"]);
  const columns = emptyColumns(count);
  const hash = createHash("sha256");
  let series = "";
  let seriesIndex = -1;
  let row = 0;
  for await (const chunk of database.stream(selectUsed(file))) {
    for (const cells of chunk) {
      const [path, frame, sizeBytes, mtimeMs, part, sliceId, patient, study, seriesUid, pixelGroup, ...numbers] = cells;
      const [shiftDown, shiftRight, ...values] = numbers;
      const key = JSON.stringify([patient, study, seriesUid]);
      if (key !== series) seriesIndex++;
      series = key;
      columns.paths.push(String(path));
      columns.frames[row] = Number(frame ?? 0);
      columns.sizesBytes[row] = Number(sizeBytes);
      columns.mtimesMs[row] = Number(mtimeMs);
      columns.part.push(columns.keep(String(part)) as Part);
      columns.sliceIds.push(String(sliceId));
      columns.patients.push(columns.keep(String(patient)));
      columns.studies.push(columns.keep(String(study)));
      columns.pixelGroups.push(columns.keep(String(pixelGroup)));
      columns.seriesIndex[row] = seriesIndex;
      columns.shiftsMm.set([Number(shiftDown), Number(shiftRight)], row * 2);
      for (let label = 0; label < labelCount; label++) {
        const value = values[label];
        columns.labels[row * labelCount + label] = typeof value === "number" ? value : Number.NaN;
      }
      hashRow(hash, [sliceId, patient, study, seriesUid, part, pixelGroup, ...values]);
      row++;
    }
  }
  if (row !== count) throw new Error(`${file}: ${row} rows of ${count}`);
  const { keep: _, ...kept } = columns;
  return { root, count, ...kept, hash: hash.digest("hex") };
}

function emptyColumns(count: number) {
  const texts = new Map<string, string>();
  return {
    paths: [] as string[],
    frames: new Int32Array(count),
    sliceIds: [] as string[],
    patients: [] as string[],
    studies: [] as string[],
    part: [] as Part[],
    pixelGroups: [] as string[],
    seriesIndex: new Int32Array(count),
    shiftsMm: new Float64Array(count * 2),
    labels: new Float32Array(count * labels.length),
    sizesBytes: new Float64Array(count),
    mtimesMs: new Float64Array(count),
    /** One copy of each text that many rows share. */
    keep(text: string): string {
      const known = texts.get(text);
      if (known !== undefined) return known;
      texts.set(text, text);
      return text;
    },
  };
}

/** JSON keeps apart what joined text would not: a separator within a name, no label and the label 0. */
function hashRow(hash: Hash, cells: readonly unknown[]): void {
  hash.update(`${JSON.stringify(cells)}\n`);
}
