import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fail, ok, type Progress, type Result } from "../base/index.ts";
import { isDicomdir } from "../dicom/index.ts";
import { fileProblem, fileResult, makeFolder } from "../machine/index.ts";
import { archiveMark, type ByteFile, entrySeparator, isArchive, withFile } from "../storage/index.ts";
import { type Database, databaseResult, openDatabase } from "./database.ts";
import {
  createTables,
  joinFiles,
  setDuplicatesAside,
  setSeriesAside,
  writeIndex,
  writeLedger,
  writeUnmatched,
} from "./index-sql.ts";
import { type IndexSummary, indexFiles, summariseIndex } from "./index-summary.ts";
import { labelTableNames, loadLabels } from "./label-table.ts";
import { orderAllSeries } from "./order-series.ts";
import { findFiles, type Reading, readHeaders } from "./read-folder.ts";

/** What to index and where to. */
export interface IndexOptions {
  /** The data: a folder, an archive, or a DICOMDIR, which stands for the files that it names. */
  readonly root: string;
  /** Folder of `index.parquet` and `ledger.csv`; made where missing, what is in it of an older index is replaced. */
  readonly out: string;
  /** The label table; where none is named, `stage_2_train.csv` or `stage_1_train.csv` under the root or in an archive there. */
  readonly labels?: string | undefined;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Reads every header under a folder, joins the label table, chooses the series of each study that has no labels, orders
 * each series from feet to head and writes `index.parquet` (a row a slice or unused file, the used ones sorted by patient,
 * study, series and place) and `ledger.csv`. Works
 * through a database on disk beside the results, so that memory does not grow with the number of files.
 * Problems: no such data, no CT slice in it, a faulty label table (see loadLabels), one that fits none of the slices,
 * two tables to choose from, a disk that is full or read-only, an interrupt. Then nothing that stood there is changed.
 */
export async function buildIndex(options: IndexOptions): Promise<Result<IndexSummary>> {
  const input = resolve(options.root);
  const out = resolve(options.out);
  const rooted = rootOf(input);
  if (rooted.kind === "problem") return rooted;
  const root = rooted.value;
  const work = join(out, `${workPrefix}${process.pid}`);
  const made = fileResult(out, () => {
    makeFolder(out);
    for (const name of readdirSync(out).filter(isAbandoned)) rmSync(join(out, name), { recursive: true, force: true });
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
  });
  if (made.kind === "problem") return made;
  try {
    return await databaseResult({ where: out, signal: options.signal }, async () => {
      const database = await openDatabase({ folder: work, threads: options.threads, signal: options.signal });
      try {
        const given = options.labels === undefined ? undefined : resolve(options.labels);
        return await fillIndex(database, {
          ...{ input, root, out, work, labels: given, threads: options.threads },
          ...{ progress: options.progress, signal: options.signal },
          isOwn: (path) => path.startsWith(work + sep) || (dirname(path) === out && isIndexFile(path)),
        });
      } finally {
        database.close();
      }
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Filling extends Reading {
  readonly out: string;
  /** Folder of the database and of results that are not yet whole. */
  readonly work: string;
}

async function fillIndex(database: Database, filling: Filling): Promise<Result<IndexSummary>> {
  const { root, labels: given, signal, progress } = filling;
  await database.run(createTables);
  const { count, labelTables } = await findFiles(database, filling);
  const chosen = given === undefined ? chooseLabels(root, labelTables) : ok(given);
  if (chosen.kind === "problem") return chosen;
  const labels = chosen.value;
  if (labels !== undefined) {
    const loaded = await loadTable(database, labels, filling.work); // before the headers: a fault shows in seconds
    if (loaded.kind === "problem") return loaded;
  }
  await readHeaders(database, { ...filling, labels, count });
  const task = progress.start("Writing the index", 3);
  try {
    await database.run(setDuplicatesAside);
    const remarks = await orderAllSeries(database, { root, signal });
    await database.run(setSeriesAside);
    task.advance(1);
    await database.run(joinFiles);
    const summary = await summariseIndex(database, { root: filling.input, out: filling.out, labels, count, remarks });
    if (summary.kind === "problem") return summary;
    task.advance(1);
    const written = await writeResults(database, filling, summary.value);
    task.advance(1);
    return written;
  } finally {
    task.done();
  }
}

/** Loads a label table; one in an archive by way of a copy beside the database, which reads files alone. */
async function loadTable(database: Database, labels: string, work: string): Promise<Result<void>> {
  if (!labels.includes(entrySeparator)) return loadLabels(database, labels);
  const copy = join(work, "labels.csv");
  const copied = withFile(labels, (file) => fileResult(copy, () => copyFile(file, copy)));
  if (copied.kind === "problem") return copied;
  const loaded = await loadLabels(database, copy);
  if (loaded.kind === "ok") return loaded;
  return fail({ ...loaded.problem, where: loaded.problem.where.replace(copy, labels) });
}

function copyFile(file: ByteFile, to: string): void {
  const chunk = new Uint8Array(2 ** 20);
  const descriptor = openSync(to, "w");
  try {
    for (let at = 0, got = 1; got > 0; at += got) {
      got = file.read(chunk, at);
      for (let written = 0; written < got; ) written += writeSync(descriptor, chunk, written, got - written);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Writes all files beside their places, then renames them: the old index stands until the new one is whole. */
async function writeResults(
  database: Database,
  filling: Filling,
  summary: IndexSummary,
): Promise<Result<IndexSummary>> {
  const { root, out, work } = filling;
  await database.run(writeIndex(join(work, indexFiles.index), root));
  await database.run(writeLedger(join(work, indexFiles.ledger)));
  const unmatched = summary.labelTable !== undefined && summary.labelTable.withoutImage > 0;
  if (unmatched) await database.run(writeUnmatched(join(work, indexFiles.unmatched)));
  return fileResult(out, () => {
    if (!unmatched) rmSync(join(out, indexFiles.unmatched), { force: true });
    for (const name of Object.values(indexFiles)) {
      if (name !== indexFiles.unmatched || unmatched) renameSync(join(work, name), join(out, name));
    }
    return summary;
  });
}

/** What the paths of files are joined to: a folder, that of a DICOMDIR, or an archive with the mark that makes it one. */
function rootOf(input: string): Result<string> {
  const expected = "a folder of CT slices, an archive of them (zip, tar, tar.gz) or a DICOMDIR";
  try {
    if (statSync(input).isDirectory()) return ok(input);
    if (isDicomdir(input)) return ok(dirname(input));
    if (isArchive(input)) return ok(`${input}${archiveMark}`);
    const next = "name the folder that holds the DICOM files";
    return fail({ kind: "not a folder", where: input, got: "a file", expected, next });
  } catch (error) {
    return fail(fileProblem(error, input));
  }
}

/** The table to use of those found: of the later stage, of these the one nearest to the root. */
function chooseLabels(root: string, tables: readonly string[]): Result<string | undefined> {
  const depth = (path: string) => relative(root, path).split(sep).length;
  const name = labelTableNames.find((known) => tables.some((path) => basename(path) === known));
  if (name === undefined) return ok(undefined);
  const named = tables.filter((path) => basename(path) === name).sort((one, other) => depth(one) - depth(other));
  const [first, second] = named;
  if (second === undefined || depth(first!) < depth(second)) return ok(first);
  return fail({
    kind: "two label tables",
    where: root,
    got: `${relative(root, first!)} and ${relative(root, second)}`,
    expected: "one table, or one that lies above the others",
    next: "name the right one with --labels",
  });
}

const workPrefix = ".ichor-index-";

function isIndexFile(path: string): boolean {
  return Object.values(indexFiles).some((name) => name === basename(path));
}

/** Whether a folder was left by an index that was killed: its process does not live any more. */
function isAbandoned(name: string): boolean {
  const process = Number(name.startsWith(workPrefix) ? name.slice(workPrefix.length) : Number.NaN);
  return Number.isInteger(process) && !isAlive(process);
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0); // signal 0 asks only
    return true;
  } catch {
    return false;
  }
}
