import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { fail, ok, type Problem, type Progress, type Result, shellWord } from "../base/index.ts";
import { labelRows, openIndex, type SliceTable } from "../dataset/index.ts";
import { type Fold, labelCount, labels, rowsOfFold, submissionHeader, submissionLines } from "../labels/index.ts";
import { fileResult, writeFileAtomic } from "../machine/index.ts";
import { type Detector, openDetector } from "../models/index.ts";
import { openRunData, type Run, type RunData, readRun, scoreRows } from "../training/index.ts";
import { brainArea } from "./brain-area.ts";
import { type Prevalence, prevalenceOf } from "./cases.ts";
import type { Evaluation, Provenance } from "./evaluation.ts";
import { evaluationSteps } from "./scores.ts";

/** Which run to evaluate, and on whom. */
export interface EvaluateOptions {
  /** Run folder. */
  readonly run: string;
  /** Index or folder to score in place of the run's own. */
  readonly data?: string | undefined;
  readonly split: Fold;
  /** 1,000 rounds and the run's seed unless told. */
  readonly bootstrap?: { readonly rounds: number; readonly seed: number } | undefined;
  readonly threads: number;
  /** What runs the detector, a row of `executors`; "cpu" unless named. */
  readonly provider?: string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Of a bootstrap: the ends of a 95 % interval then rest on some 25 rounds each. */
const defaultRounds = 1000;

/**
 * Scores a run's detector on the slices of one fold and writes `predictions.csv` (the competition's form, slices without
 * labels too) and `evaluation.json` into the run folder, under the names of `evaluationFiles`. Of other data than the
 * run's, the test fold is every patient whom neither training nor validation saw.
 * Problems: not a run, not trained to the end, another run's detector, an empty fold, "interrupted", and those of the
 * data (as `openRunData`).
 */
export async function evaluateRun(options: EvaluateOptions): Promise<Result<Evaluation>> {
  const run = readRun(options.run);
  if (run.kind === "problem") return run;
  const writable = checkWritable(run.value.dir);
  if (writable.kind === "problem") return writable;
  const detector = await openRunDetector(run.value, options);
  if (detector.kind === "problem") return detector;
  try {
    const { threads, progress, signal, data } = options;
    const opened = await openRunData(run.value, { data, threads, progress, signal });
    if (opened.kind === "problem") return opened;
    try {
      return await evaluateData({ run: run.value, detector: detector.value, data: opened.value, options });
    } finally {
      opened.value.cache.close();
    }
  } finally {
    await detector.value.close();
  }
}

/** Whether the results will have a place, before minutes of scoring: another user's run, or one on a disk for reading. */
function checkWritable(run: string): Result<void> {
  const checked = fileResult(run, () => accessSync(run, constants.W_OK));
  if (checked.kind === "ok") return checked;
  const expected = "a run folder that can be written: evaluations stand in it";
  const next = `copy it to a folder of your own (cp -r ${shellWord(run)} DIR) and evaluate that, or mend its permissions`;
  return fail({ ...checked.problem, expected, next });
}

/**
 * Where an evaluation stands in its run folder: `predictions.csv` and `evaluation.json` for the run's own test fold,
 * names with the fold or the data in them for the others, so that none replaces the proof of the run.
 */
export function evaluationFiles(
  run: string,
  { fold, origin, data }: Pick<Provenance, "fold" | "origin" | "data">,
): { readonly predictions: string; readonly evaluation: string } {
  const suffix = `${fold === "test" ? "" : `-${fold}`}${origin === "other" ? `-${data.slice(0, 8)}` : ""}`;
  return { predictions: join(run, `predictions${suffix}.csv`), evaluation: join(run, `evaluation${suffix}.json`) };
}

interface Evaluand {
  readonly run: Run;
  readonly detector: Detector;
  readonly data: RunData;
  readonly options: EvaluateOptions;
}

async function evaluateData({ run, detector, data, options }: Evaluand): Promise<Result<Evaluation>> {
  const { table, cache, origin } = data;
  const all = rowsToScore(run, data, options.split);
  const rows = all.filter((row) => cache.pixelHashes[row] !== undefined);
  if (rows.length === 0) return fail(emptyFold(run, options, all.length));
  const scored = await scoreFold({ rows, detector, data, options });
  if (scored.kind === "problem") return scored;
  const areas = await measureAreas({ rows, data, options });
  if (areas.kind === "problem") return areas;
  const bootstrap = options.bootstrap ?? { rounds: defaultRounds, seed: run.config.seed };
  const source = {
    model: detector.info.model,
    detector: detector.hash,
    data: table.hash,
    origin,
    split: run.split.hash,
    fold: options.split,
    trainingSeed: run.config.seed,
    command: commandOf(options),
  };
  const steps = evaluationSteps({
    slices: { ...columnsOf(table, rows), probabilities: scored.value, brainArea: areas.value },
    prevalence: await trainPrevalence(run, data),
    operatingPoints: detector.info.operatingPoints,
    bootstrap,
    unreadable: all.length - rows.length,
    source,
  });
  const evaluation = await drain(steps, { what: "Drawing patients", total: 2 * bootstrap.rounds, options });
  if (evaluation.kind === "problem") return evaluation;
  const files = evaluationFiles(run.dir, source);
  const lines = Array.from(rows, (row, at) =>
    submissionLines(table.sliceIds[row]!, scored.value.subarray(at * labelCount, (at + 1) * labelCount)),
  );
  const predictions = writeFileAtomic(files.predictions, submissionHeader + lines.join(""));
  if (predictions.kind === "problem") return predictions;
  const written = writeFileAtomic(files.evaluation, `${JSON.stringify(evaluation.value, undefined, 2)}\n`);
  return written.kind === "problem" ? written : evaluation;
}

/** The run's detector, if it is the run's: one that learned from another split may have seen these patients. */
async function openRunDetector(
  run: Run,
  { threads, provider }: Pick<EvaluateOptions, "threads" | "provider">,
): Promise<Result<Detector>> {
  if (!existsSync(run.paths.model)) {
    return fail({
      kind: "not trained",
      where: run.dir,
      got: `a run that is ${run.info.status}, without model.onnx`,
      expected: "a run that is finished",
      next: `go on with it: ichor train --data ${shellWord(run.info.data.path)} --run ${shellWord(run.dir)} --resume`,
    });
  }
  const detector = await openDetector(run.paths.model, { threads, provider });
  if (detector.kind === "problem" || detector.value.info.training.split === run.split.hash) return detector;
  const got = `a detector of the split ${detector.value.info.training.split}`;
  await detector.value.close();
  return fail({
    kind: "another run's detector",
    where: run.paths.model,
    got,
    expected: `one of ${run.split.hash}, the split of this run`,
    next: "restore the model.onnx that training wrote, or train into a new run folder",
  });
}

function rowsToScore(run: Run, { table, origin }: RunData, fold: Fold): Int32Array {
  if (origin === "as trained" || fold !== "test") return rowsOfFold(run.split, table.patients, fold);
  const seen = new Set(Object.keys(run.split.folds).filter((patient) => run.split.folds[patient] !== "test"));
  return Int32Array.from(table.patients.keys()).filter((row) => !seen.has(table.patients[row]!));
}

function columnsOf(table: SliceTable, rows: Int32Array) {
  return {
    labels: Float32Array.from({ length: rows.length * labelCount }, (_, at) => {
      const row = rows[Math.floor(at / labelCount)]!;
      return table.labels[row * labelCount + (at % labelCount)]!;
    }),
    patients: Array.from(rows, (row) => table.patients[row]!),
    studies: Array.from(rows, (row) => table.studies[row]!),
  };
}

interface FoldWork {
  readonly rows: Int32Array;
  readonly data: RunData;
  readonly options: EvaluateOptions;
}

async function scoreFold({ rows, detector, data, options }: FoldWork & { readonly detector: Detector }) {
  const task = options.progress.start("Scoring slices", rows.length);
  const { table, cache } = data;
  const advance = (slices: number) => task.advance(slices);
  const scored = await scoreRows({ detector, cache, table, rows, signal: options.signal, advance });
  task.done();
  return scored;
}

/** The brain-area baseline of the slices as the network sees them. */
async function measureAreas({ rows, data, options }: FoldWork): Promise<Result<Float64Array>> {
  const { cache, table } = data;
  const stored = cache.preprocessing.values === "stored";
  const task = options.progress.start("Measuring the brain area", rows.length);
  const areas = new Float64Array(rows.length);
  for (const [at, row] of rows.entries()) {
    // Stored values lack the intercept, the last part of the pixel group; the slope is 1 in the data they are meant for.
    const intercept = stored ? Number(table.pixelGroups[row]!.split("/").at(-1)) : 0;
    areas[at] = brainArea(cache.read(row), intercept);
    task.advance(1);
    if (at % 256 === 255) await breathe(); // let an interrupt and the bars through
    if (options.signal.aborted) return fail(interrupted());
  }
  task.done();
  return ok(areas);
}

/**
 * How frequent the labels are where the detector learned. Where other data are scored, the run's own index may be gone:
 * `run.json` then still tells of slices, though not of studies.
 */
async function trainPrevalence(run: Run, data: RunData): Promise<Prevalence> {
  if (data.origin === "as trained") return prevalenceOf(columnsOf(data.table, data.rows.train));
  const own = existsSync(join(run.paths.index, "index.parquet")) ? run.paths.index : run.info.data.path;
  const index = existsSync(own) ? await openIndex(own) : undefined;
  if (index?.kind === "ok" && index.value.hash === run.info.data.hash) {
    const labelled = new Set(labelRows(index.value));
    const rows = rowsOfFold(run.split, index.value.patients, "train").filter((row) => labelled.has(row));
    return prevalenceOf(columnsOf(index.value, rows));
  }
  const train = run.info.folds?.train;
  const slices = train?.slices ?? 0;
  const slice = labels.map((label) => (train === undefined || slices === 0 ? 0 : train.positives[label] / slices));
  return { slice, study: undefined, slices, studies: 0 };
}

/** Runs steps to their end, some at a time, so that an interrupt and the bars get through. */
async function drain<T>(
  steps: Generator<void, T>,
  { what, total, options }: { readonly what: string; readonly total: number; readonly options: EvaluateOptions },
): Promise<Result<T>> {
  const task = options.progress.start(what, total);
  for (let done = 0; ; done++) {
    const step = steps.next();
    if (step.done) {
      task.done();
      return ok(step.value);
    }
    task.advance(1);
    if (done % 16 === 15) await breathe();
    if (options.signal.aborted) return fail(interrupted());
  }
}

function commandOf({ run, data, split, provider = "cpu" }: EvaluateOptions): string {
  const other = data === undefined ? "" : ` --data ${shellWord(data)}`;
  const named = provider === "cpu" ? "" : ` --provider ${shellWord(provider)}`;
  return `ichor evaluate --run ${shellWord(run)}${other} --split ${split}${named}`;
}

function emptyFold(run: Run, { split, data }: EvaluateOptions, unreadable: number): Problem {
  const where = data ?? run.dir;
  if (unreadable > 0) {
    const next = "look at ledger.csv for the reasons, and index again with the files mended";
    return { kind: "no pixels", where, got: `${unreadable} slices, none readable`, expected: "readable slices", next };
  }
  return {
    kind: "empty fold",
    where,
    got: `no slice of a patient of the ${split} fold`,
    expected: "at least one",
    next: "evaluate another fold with --split, or name data of other patients with --data",
  };
}

function interrupted(): Problem {
  return {
    kind: "interrupted",
    where: "evaluation",
    got: "a request to stop",
    expected: "work that runs to its end",
    next: "run the same command again; nothing was written",
  };
}
