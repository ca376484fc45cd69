import { existsSync } from "node:fs";
import { fail, ok, type Problem, type Result } from "../base/index.ts";
import type { SliceCache, SliceTable } from "../dataset/index.ts";
import { type Fold, rowsOfFold, type Split } from "../labels/index.ts";
import { writeFileAtomic } from "../machine/index.ts";
import { type ModelRow, models } from "../models/index.ts";
import { readBackbone, refusedBackbone } from "./backbone.ts";
import type { TrainingConfig } from "./config.ts";
import { buildEngine, type Engine, type EngineSettings } from "./engine.ts";
import { countFolds, fingerprintOf, notesOn, splitPatients } from "./folds.ts";
import { strayPattern } from "./name-patterns.ts";
import { foldRows, type OpenedData, openData, type Work } from "./run-data.ts";
import { type RunInfo, readSplit, runPaths, writeRunInfo } from "./run-folder.ts";
import { measurePixels, type Standardisation } from "./standardisation.ts";
import { piecesOf } from "./update-settings.ts";

/** A run up to its first step: data, split, network. */
export interface Prepared extends OpenedData {
  readonly info: RunInfo;
  readonly split: Split;
  readonly rows: Readonly<Record<Fold, Int32Array>>;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly fingerprint: string;
  readonly engine: Engine;
}

/** What is prepared for whom. */
export interface Preparation {
  readonly run: string;
  /** As given. */
  readonly data: string;
  readonly info: RunInfo;
  readonly work: Work;
}

/**
 * Opens the data, splits the patients or reads their split, writes both into `run.json`, and builds the network.
 * Everything here comes out the same when a run is resumed. Problems: those of index, cache and split, "data changed",
 * "interrupted".
 */
export async function prepareRun({ run, data, info, work }: Preparation): Promise<Result<Prepared>> {
  const { config } = info;
  const stray = strayPatternOf(config);
  if (stray.kind === "problem") return stray;
  const refuse = (table: SliceTable) => (info.split === undefined ? unsplittable(table, config) : undefined);
  const opened = await openData({ data, trainedOn: info.data.path, run, config, refuse, work });
  if (opened.kind === "problem") return opened;
  const prepared = await prepareOpened(opened.value, { run, data, info, work });
  if (prepared.kind === "problem") opened.value.cache.close();
  return prepared;
}

async function prepareOpened(opened: OpenedData, { run, data, info, work }: Preparation): Promise<Result<Prepared>> {
  const { config } = info;
  const { table, cache } = opened;
  const changed = changedData(info, { table, data });
  if (changed !== undefined) return fail(changed);
  const split = info.split === undefined ? makeSplit(run, { opened, config }) : readSplit(run, info);
  if (split.kind === "problem") return split;
  const rows = foldRows(opened, split.value);
  if (rows.train.length === 0) return fail(nothingToTrainOn({ table, split: split.value, data }));
  const pieces = piecesOf(config);
  const batchSize = Math.floor(Math.min(config.batchSize, rows.train.length) / pieces) * pieces;
  if (batchSize === 0) return fail(fewerThanPieces(rows.train.length, { data, pieces }));
  const counts = countFolds(table, rows);
  const notes = notesOn(counts, { config, batchSize });
  const unreadable = cache.failures.length;
  if (unreadable > 0) notes.push(unreadableNote(cache.failures));
  const stepsPerEpoch = Math.floor(rows.train.length / batchSize);
  const described: RunInfo = {
    ...info,
    data: { ...info.data, hash: table.hash, slices: table.count, unreadable },
    split: { hash: split.value.hash },
    folds: counts,
    steps: { perEpoch: stepsPerEpoch, batchSize },
    notes,
  };
  const written = writeRunInfo(run, described);
  if (written.kind === "problem") return written;
  const standardisation = await standardise(opened, { config, rows: rows.train, work });
  if (standardisation.kind === "problem") return standardisation;
  const engine = makeEngine({ config, batchSize, standardisation: standardisation.value });
  if (engine.kind === "problem") return engine;
  return ok({
    ...opened,
    info: described,
    split: split.value,
    rows,
    batchSize,
    stepsPerEpoch,
    fingerprint: fingerprintOf({ config, table, cache, split: split.value, rows }),
    engine: engine.value,
  });
}

/** How many slices have no pixels, why, and which is the first. */
function unreadableNote(failures: SliceCache["failures"]): string {
  const reasons = new Map<string, number>();
  for (const { kind } of failures) reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
  const counts = [...reasons].map(([kind, slices]) => `${slices} ${kind}`).join(", ");
  return `${failures.length} slices left out, as their pixels cannot be read: ${counts}; the first is ${failures[0]?.path}`;
}

/**
 * Whether the patterns of names fit the network, before any data are looked at. Problems: those of `readBackbone`,
 * "backbone refused", "pattern fits nothing".
 */
function strayPatternOf(config: TrainingConfig): Result<void> {
  if (config.frozen === undefined && config.rates === undefined) return ok(undefined);
  const engine = makeEngine({ config, batchSize: piecesOf(config), standardisation: undefined });
  if (engine.kind === "problem") return engine;
  const { slots, buffers } = engine.value.program;
  const [parameters, statistics] = [slots, buffers].map((all) => all.map(({ name }) => name));
  const stray = strayPattern(config, parameters ?? [], statistics);
  return stray === undefined ? ok(undefined) : fail(stray);
}

/** The engine, around the configuration's backbone where it has one. Problems: those of `readBackbone`, "backbone refused". */
function makeEngine(settings: Omit<EngineSettings, "backbone">): Result<Engine> {
  const backbone = readBackbone(settings.config);
  if (backbone.kind === "problem") return backbone;
  if (backbone.value === undefined) return ok(buildEngine(settings));
  try {
    return ok(buildEngine({ ...settings, backbone: backbone.value }));
  } catch (error) {
    return refusedBackbone(settings.config.backbone?.file ?? "", error); // an operator without gradient, another form
  }
}

/** Why patients cannot be split even if all their pixels can be read and none are the same. */
function unsplittable(table: SliceTable, config: TrainingConfig): Problem | undefined {
  const split = splitPatients({ table, cache: { failures: [], pixelHashes: [] } }, config);
  return split.kind === "problem" ? split.problem : undefined;
}

function makeSplit(
  run: string,
  { opened, config }: { readonly opened: OpenedData; readonly config: TrainingConfig },
): Result<Split> {
  const split = splitPatients(opened, config);
  if (split.kind === "problem") return split;
  const written = writeFileAtomic(runPaths(run).split, `${JSON.stringify(split.value, undefined, 2)}\n`);
  return written.kind === "problem" ? written : split;
}

async function standardise(
  { cache }: OpenedData,
  o: { readonly config: TrainingConfig; readonly rows: Int32Array; readonly work: Work },
): Promise<Result<Standardisation | undefined>> {
  const row: ModelRow = models[o.config.model];
  if (row.standardised === "none") return ok(undefined);
  return measurePixels(cache, o.rows, { value: row.standardised, ...o.work });
}

function changedData(
  { data: before, split }: RunInfo,
  { table, data }: { readonly table: SliceTable; readonly data: string },
): Problem | undefined {
  if (split === undefined || before.hash === table.hash) return undefined;
  const counts = before.slices === table.count ? "" : ` with ${table.count} slices instead of ${before.slices}`;
  return {
    kind: "data changed",
    where: data,
    got: `an index of hash ${table.hash.slice(0, 12)}…${counts}`,
    expected: `the data that the run was started with: ${before.path}, hash ${before.hash?.slice(0, 12)}…`,
    next: "name the data that the run was started with, or train into a new run folder",
  };
}

const fewerThanPieces = (slices: number, o: { readonly data: string; readonly pieces: number }): Problem => ({
  kind: "too few slices",
  where: o.data,
  got: `${slices} slices to train on`,
  expected: `at least one for each of the ${o.pieces} pieces of a batch`,
  next: "train into a new run folder with a smaller accumulate or fewer workers",
});

function nothingToTrainOn(o: { readonly table: SliceTable; readonly split: Split; readonly data: string }): Problem {
  const slices = rowsOfFold(o.split, o.table.patients, "train").length;
  return {
    kind: "nothing to train on",
    where: o.data,
    got: `${slices} slices of patients in the training fold, none with six labels and pixels that can be read`,
    expected: "at least one",
    next: existsSync(o.data) ? "look into ledger.csv and the label table" : "check the path",
  };
}
