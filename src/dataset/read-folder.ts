import { basename, relative, sep } from "node:path";
import type { Progress } from "../base/index.ts";
import { walkMedia } from "../dicom/index.ts";
import { archiveMark } from "../storage/index.ts";
import type { Cell, Database } from "./database.ts";
import { headerCells } from "./header-columns.ts";
import { filesOfTask, openHeaderReader } from "./header-reader.ts";
import { selectFound, tableTypes } from "./index-sql.ts";
import { labelTableNames } from "./label-table.ts";
import { unpackRows } from "./packed-rows.ts";
import type { Part } from "./table.ts";

/** What is read, and how it may be watched and stopped. */
export interface Reading {
  /** The folder, archive or DICOMDIR as it is opened. */
  readonly input: string;
  /** What the paths of files are joined to, see `rootOf`. */
  readonly root: string;
  /** Files that are no part of the data: what the index itself writes. */
  readonly isOwn: (path: string) => boolean;
  /** The label table, where it is known: it lies among the data and is set aside under its own name. */
  readonly labels: string | undefined;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Lists every file under the input in table `found`; gives the number, and the label tables among them by name. */
export async function findFiles(
  database: Database,
  { input, root, isOwn, signal }: Reading,
): Promise<{ readonly count: number; readonly labelTables: readonly string[] }> {
  const found = await database.writer("found", tableTypes.found);
  const outcomes = await database.writer("outcomes", tableTypes.outcomes);
  const labelTables: string[] = [];
  let count = 0;
  try {
    for await (const entry of walkMedia([input], signal)) {
      if (entry.kind === "not a file") {
        const { path, status, kind, detail } = entry.entry;
        found.append([count, shorten(path, root), undefined, undefined, ""]);
        outcomes.append([count, undefined, status, kind, detail, ...headerCells(undefined)]);
      } else {
        if (isOwn(entry.path)) continue;
        const path = shorten(entry.path, root);
        found.append([count, path, entry.sizeBytes, entry.mtimeMs, partOf(`${basename(root)}/${path}`)]);
        if (labelTableNames.includes(basename(path))) labelTables.push(entry.path);
      }
      count++;
    }
  } finally {
    found.close();
    outcomes.close();
  }
  signal.throwIfAborted();
  return { count, labelTables };
}

/** Fills table `outcomes` with what the headers say, read by worker threads where there are many. */
export async function readHeaders(database: Database, reading: Reading & { readonly count: number }): Promise<void> {
  const { count, threads, signal } = reading;
  const headers = openHeaderReader({ threads, files: count });
  const outcomes = await database.writer("outcomes", tableTypes.outcomes);
  const task = reading.progress.start("Reading headers", count);
  const running = new Set<Promise<void>>();
  const give = (files: readonly FileRow[]) => {
    const work = headers.read(files.map(({ path }) => `${reading.root}${sep}${path}`)).then((rows) => {
      for (const row of unpackRows(rows)) {
        row[0] = files[Number(row[0])]!.file;
        outcomes.append(row);
      }
      task.advance(files.length);
      running.delete(work);
    });
    running.add(work);
  };
  try {
    for await (const files of tasks(database, reading, (file) => outcomes.append(labelTableCells(file)))) {
      while (running.size >= headers.tasks) await Promise.race(running);
      signal.throwIfAborted();
      give(files);
    }
    await Promise.all(running);
    signal.throwIfAborted();
  } finally {
    await Promise.allSettled(running);
    outcomes.close();
    await headers.close();
    task.done();
  }
}

/** The files to open, a task at a time; the label table is none of them and is told apart. */
async function* tasks(
  database: Database,
  { root, labels }: Reading,
  tellLabels: (file: number) => void,
): AsyncGenerator<readonly FileRow[], void, void> {
  let files: FileRow[] = [];
  for await (const chunk of database.stream(selectFound)) {
    for (const [file, path] of chunk) {
      const row = { file: Number(file), path: String(path) };
      if (`${root}${sep}${row.path}` === labels) tellLabels(row.file);
      else if (files.push(row) === filesOfTask) {
        yield files;
        files = [];
      }
    }
  }
  if (files.length > 0) yield files;
}

interface FileRow {
  readonly file: number;
  readonly path: string;
}

function labelTableCells(file: number): readonly Cell[] {
  return [file, undefined, "set aside", "label table", "the labels of the slices", ...headerCells(undefined)];
}

/** The part that the competition's folder names say, from a path that starts with the root's own name. */
function partOf(path: string): Part {
  const part = /(?:^|\/)stage_[12]_(train|test)(?:_images)?\//.exec(path)?.[1];
  return part === "train" || part === "test" ? part : "";
}

/** The way down from the root; of an archive that is the root and cannot be read, its name. */
function shorten(path: string, root: string): string {
  return `${path}${archiveMark}` === root ? basename(path) : relative(root, path).split(sep).join("/");
}
