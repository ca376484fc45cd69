import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fail, ok, type Problem, type Progress, type Result } from "../base/index.ts";
import {
  buildCache,
  buildIndex,
  labelRows,
  openIndex,
  queryIndex,
  type SliceCache,
  type SliceTable,
} from "../dataset/index.ts";
import { type Fold, folds, rowsOfFold, type Split } from "../labels/index.ts";
import { isSystemFault } from "../machine/index.ts";
import type { TrainingConfig } from "./config.ts";
import { type Run, runPaths } from "./run-folder.ts";

/** How work is done: on how many threads, networks on what, telling whom, until when. */
export interface Work {
  readonly threads: number;
  /** What runs networks, a row of `executors`; "cpu" unless named. */
  readonly provider?: string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Slices of an index at the training resolution. */
export interface OpenedData {
  readonly table: SliceTable;
  readonly cache: SliceCache;
}

/** The slices of a run. */
export interface RunData extends OpenedData {
  /** Rows of each fold that have all six labels and pixels that can be read, ascending. */
  readonly rows: Readonly<Record<Fold, Int32Array>>;
  /** Whether these are the slices that the run was trained on, or others of which some patients may be the same. */
  readonly origin: "as trained" | "other";
}

/**
 * Opens the slices that a run was made from, or other data in their place: index, cache, and the rows of each fold.
 * Close the cache after use. Problems: as `buildIndex`, `openIndex` and `buildCache`, "interrupted".
 */
export async function openRunData(
  run: Run,
  { data, ...work }: Work & { readonly data?: string | undefined },
): Promise<Result<RunData>> {
  const { info, config, split, dir } = run;
  const opened = await openData({ data: data ?? info.data.path, trainedOn: info.data.path, run: dir, config, work });
  if (opened.kind === "problem") return opened;
  const origin = opened.value.table.hash === info.data.hash ? "as trained" : "other";
  return ok({ ...opened.value, rows: foldRows(opened.value, split), origin });
}

/** What `openData` opens: the data as given, the path the run was first trained on, the run that wants it. */
export interface DataRequest {
  readonly data: string;
  readonly trainedOn: string;
  readonly run: string;
  readonly config: Pick<TrainingConfig, "preprocessing">;
  /** Why an index will not do, before hours go into its cache. */
  readonly refuse?: (table: SliceTable) => Problem | undefined;
  readonly work: Work;
}

/**
 * Opens an index folder, an `index.parquet`, or a folder of DICOM files, which is indexed into the run folder first.
 * The cache stands beside the index, where runs of the same preprocessing share it, or in the run folder where the
 * index's folder cannot be written.
 */
export async function openData(request: DataRequest): Promise<Result<OpenedData>> {
  const { data, run, config, work } = request;
  if (!existsSync(data)) {
    const next = "check the path; `ichor phantom --out DIR` makes data to try with";
    return fail({ kind: "not found", where: data, got: "nothing there", expected: "an index or a folder", next });
  }
  const index = await findIndex(request);
  if (index.kind === "problem") return index;
  const table = await openIndex(index.value);
  if (table.kind === "problem") return table;
  const refused = request.refuse?.(table.value);
  if (refused !== undefined) return fail(refused);
  const beside = join(folderOf(index.value), "cache");
  const dir = isWritable(beside) ? beside : runPaths(run).cache;
  const cache = await buildCache({ table: table.value, preprocessing: config.preprocessing, dir, ...work });
  return cache.kind === "problem" ? cache : ok({ table: table.value, cache: cache.value });
}

/** The rows of each fold that training and evaluation use. */
export function foldRows({ table, cache }: OpenedData, split: Split): Record<Fold, Int32Array> {
  const usable = new Set(labelRows(table, cache));
  const rows = folds.map((fold) => [fold, rowsOfFold(split, table.patients, fold).filter((row) => usable.has(row))]);
  return Object.fromEntries(rows);
}

async function findIndex({ data, trainedOn, run, work }: DataRequest): Promise<Result<string>> {
  if (data.endsWith(".parquet") || existsSync(join(data, "index.parquet"))) return ok(data);
  const own = runPaths(run).index;
  const path = resolve(data);
  // Other data than the run's are indexed beside the run's own index, never over it.
  const out = path === trainedOn ? own : `${own}-${createHash("sha256").update(path).digest("hex").slice(0, 8)}`;
  if (existsSync(join(out, "index.parquet")) && (out === own || (await isFinal(out, work)))) return ok(out);
  const built = await buildIndex({ root: data, out, ...work });
  return built.kind === "problem" ? built : ok(out);
}

/** Whether no file of an index failed by what may have passed since; the run's own stays as its slices were trained on. */
async function isFinal(path: string, { threads }: Work): Promise<boolean> {
  const sql = "SELECT DISTINCT reason FROM files WHERE status = 'failed'";
  const reasons = await queryIndex({ path, sql, most: 1000, threads });
  return reasons.kind === "ok" && !reasons.value.rows.some(([reason]) => isSystemFault(String(reason)));
}

function folderOf(index: string): string {
  return index.endsWith(".parquet") ? dirname(index) : index;
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false; // the run folder takes the cache; if that fails too, its own problem says so
  }
}
