import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fail, ok, type Problem, type ProgressTask, type Result } from "../base/index.ts";
import { type Loader, openLoader } from "../dataset/index.ts";
import type { Fold } from "../labels/index.ts";
import { fileResult } from "../machine/index.ts";
import { probeDevice, type ThreadedSession } from "../runtime/index.ts";
import { type BatchSource, openBatchSource } from "./batch-source.ts";
import { type Checkpoint, readCheckpoint, writeBest, writeCheckpoint } from "./checkpoint.ts";
import { defaultConfig, type TrainingConfig } from "./config.ts";
import { evenOperatingPoints } from "./engine.ts";
import { detectorFacts, finishRun } from "./finish.ts";
import { isTrained, type LoopParts, type LoopState, trainOn } from "./loop.ts";
import { type MetricsLog, openMetricsLog } from "./metrics-log.ts";
import { type Prepared, prepareRun } from "./prepare.ts";
import { describeStart, notesOnStarts } from "./provenance.ts";
import type { Work } from "./run-data.ts";
import {
  claimRunFolder,
  type FoldCounts,
  type RunInfo,
  readRunInfo,
  resumeCommand,
  runPaths,
  writeRunInfo,
} from "./run-folder.ts";
import { scoredAtOnce } from "./score-rows.ts";
import { firstScaling } from "./update-settings.ts";
import { validate } from "./validation.ts";

/** What is trained on what, and where it goes. */
export interface TrainOptions extends Work {
  /** An index folder, an `index.parquet`, or a folder of DICOM files, which is then indexed into the run folder. */
  readonly data: string;
  /** The run folder. */
  readonly run: string;
  /** As `resolveConfig` gives it; `undefined`: as the run has it when resuming, else the cnn's defaults. */
  readonly config: TrainingConfig | undefined;
  readonly resume: "resume" | "new";
  /** At the latest after so long a checkpoint is written, between two steps. */
  readonly checkpointMs?: number;
  /** Milliseconds that only grow; decides when checkpoints are written and nothing else. */
  readonly clock?: () => number;
}

/** What a training came to. */
export interface RunSummary {
  readonly run: string;
  /** "was finished": a finished run was asked to go on, and nothing was left to do. */
  readonly work: "trained" | "was finished";
  readonly model: string;
  readonly result: NonNullable<RunInfo["result"]>;
  readonly folds: Readonly<Record<Fold, FoldCounts>>;
  readonly config: TrainingConfig;
  readonly notes: readonly string[];
}

/** A killed training loses no more than this. */
const defaultCheckpointMs = 15_000;

/**
 * Trains a detector: index, cache, split by patient, steps, validation, checkpoints, `model.onnx`. Killed at any moment
 * and resumed with as many threads on the same machine, it writes the same `model.onnx`, byte for byte, as if it had
 * never stopped. Problems: a folder that is taken, data or configuration that changed, data that cannot be trained on,
 * files, a device that is missing (`probeDevice`), "diverged", and "interrupted" with the command that goes on.
 */
export async function train(options: TrainOptions): Promise<Result<RunSummary>> {
  const { data, run, config, resume } = options;
  const claimed = claimRunFolder({ run, data, config, fallback: defaultConfig("cnn"), resume });
  if (claimed.kind === "problem") return claimed;
  const claim = claimed.value;
  if (claim.kind === "finished") return summarise(run, claim.info, "was finished");
  const { provider = "cpu" } = options;
  const device = await probeDevice({ provider, precision: claim.config.precision ?? "float32" });
  if (device.kind === "problem") return device; // before anything is written, and long before the first step
  const path = resolve(data);
  if (claim.kind === "new" && claim.left !== undefined && (resume === "new" || claim.left.data.path !== path)) {
    // What stopped the run may since have been mended in the data: they are indexed again. The cache looks after itself.
    const stale = join(runPaths(run).index, "index.parquet");
    const removed = fileResult(stale, () => rmSync(stale, { force: true }));
    if (removed.kind === "problem") return removed;
  }
  const info: RunInfo =
    claim.kind === "resumed"
      ? { ...claim.info, status: "running" }
      : { version: 1, status: "running", config: claim.config, data: { path }, starts: [], notes: [] };
  const written = writeRunInfo(run, info);
  if (written.kind === "problem") return written;
  const trained = await trainClaimed(options, info);
  return trained.kind === "problem" ? stopped(options, trained.problem) : trained;
}

/** Opens one thing after the other, and closes them in turn whatever happens. */
async function trainClaimed(options: TrainOptions, info: RunInfo): Promise<Result<RunSummary>> {
  const { data, run, threads, provider, progress, signal } = options;
  const prepared = await prepareRun({ run, data, info, work: { threads, progress, signal } });
  if (prepared.kind === "problem") return prepared;
  const { cache, table, engine } = prepared.value;
  const { neighbours, augmentation, seed } = info.config;
  const from = { cache, table, neighbours, augment: augmentation, seed };
  const batches = openBatchSource(from, { provider, threads });
  const plainLoader = openLoader({ cache, table, neighbours, augment: "none", seed });
  try {
    const checkpoint = latestCheckpoint(run, prepared.value);
    if (checkpoint.kind === "problem") return checkpoint;
    const state = checkpoint.value === undefined ? engine.initial : engine.restore(checkpoint.value.state);
    const session = await engine.open(state, { threads, provider });
    if (session.kind === "problem") return session;
    const log = openMetricsLog(runPaths(run).metrics, checkpoint.value?.position.metricsBytes ?? 0);
    try {
      if (log.kind === "problem") return log;
      const open: Open = { ...prepared.value, batches, plainLoader, session: session.value, log: log.value };
      return await trainOpened(options, { open, from: startOf(open, checkpoint.value) });
    } finally {
      if (log.kind === "ok") log.value.close();
      await session.value.close();
    }
  } finally {
    await batches.close();
    await plainLoader.close();
    cache.close();
  }
}

/** Everything that is open while a run is trained. */
interface Open extends Prepared {
  readonly batches: BatchSource;
  /** Changes nothing; for validation. */
  readonly plainLoader: Loader;
  readonly session: ThreadedSession;
  readonly log: MetricsLog;
}

async function trainOpened(
  options: TrainOptions,
  { open, from }: { readonly open: Open; readonly from: LoopState },
): Promise<Result<RunSummary>> {
  const { run, threads, provider, progress } = options;
  const { config } = open.info;
  const starts = [...open.info.starts, describeStart({ threads, provider, form: open.session.form })];
  const info: RunInfo = { ...open.info, starts, notes: [...open.info.notes, ...notesOnStarts(starts)] };
  const written = writeRunInfo(run, info);
  if (written.kind === "problem") return written;
  const perEpoch = open.stepsPerEpoch + Math.ceil(open.rows.validation.length / scoredAtOnce);
  const task = progress.start("Training", perEpoch * config.epochs);
  task.advance(perEpoch * (from.position.epoch - 1) + from.position.step);
  const validating = validatingOf(options, open);
  const trained = isTrained(config, from.position) ? ok(from) : await trainOn(loopParts(options, open, task), from);
  task.done();
  if (trained.kind === "problem") return trained;
  const finished = await finishRun({ run, info, prepared: open, state: trained.value, validating, progress });
  return finished.kind === "problem" ? finished : summarise(run, finished.value, "trained");
}

function loopParts(options: TrainOptions, open: Open, task: ProgressTask): LoopParts {
  const { run, signal, checkpointMs = defaultCheckpointMs, clock = () => performance.now() } = options;
  const { engine, session, table, rows, info } = open;
  const paths = runPaths(run);
  return {
    ...open,
    config: info.config,
    rows: rows.train,
    labels: table.labels,
    validate: (state, note) => {
      const facts = detectorFacts(open, { operatingPoints: evenOperatingPoints, headline: {} });
      return validate(engine.detector(state, facts), { ...validatingOf(options, open), task, note });
    },
    save: async (position, best) =>
      writeCheckpoint(paths.last, { position, state: await session.read(), best }, engine.program),
    saveBest: (position, best) => writeBest(paths.best, { position, best }, engine.program),
    clock,
    checkpointMs,
    task,
    signal,
  };
}

function validatingOf({ threads, provider, signal }: TrainOptions, { table, rows, plainLoader }: Open) {
  return { table, rows: rows.validation, loader: plainLoader, threads, provider, signal };
}

/** The checkpoint to go on from; `undefined` where there is none yet. */
function latestCheckpoint(run: string, { engine, fingerprint }: Prepared): Result<Checkpoint | undefined> {
  const path = runPaths(run).last;
  if (!existsSync(path)) return ok(undefined);
  const checkpoint = readCheckpoint(path, engine.program);
  if (checkpoint.kind === "problem" || checkpoint.value.position.fingerprint === fingerprint) return checkpoint;
  return fail({
    kind: "data changed",
    where: path,
    got: "a checkpoint that was made from other slices, another split or another configuration",
    expected: "the slices that the run was started with, all of which could be read then",
    next: "bring the data back as they were, or train into a new run folder",
  });
}

function startOf({ fingerprint, info }: Prepared, checkpoint: Checkpoint | undefined): LoopState {
  if (checkpoint !== undefined) return checkpoint;
  const nothing = { step: 0, steps: 0, lossSum: 0, seconds: 0, metricsBytes: 0 };
  const scaling = firstScaling(info.config);
  const scaled = scaling === undefined ? {} : { scaling };
  return { position: { version: 1, fingerprint, epoch: 1, ...nothing, ...scaled }, best: undefined };
}

/** Notes in `run.json` that nobody works on it any more, and says how to go on. */
function stopped({ run, data, provider }: TrainOptions, problem: Problem): Result<never> {
  const current = readRunInfo(run);
  // A disk that is full has said so already: what comes of this write changes nothing.
  if (current.kind === "ok") writeRunInfo(run, { ...current.value, status: "interrupted" });
  const goingOn = resumeCommand(data, run, provider); // the same command would be refused, with a run in the folder
  if (problem.kind !== "interrupted")
    return fail({ ...problem, next: problem.next.replace("run the same command again", `go on: ${goingOn}`) });
  return fail({ ...problem, where: `${run}: ${problem.where}`, next: goingOn });
}

function summarise(run: string, info: RunInfo, work: RunSummary["work"]): Result<RunSummary> {
  const { result, folds, config, notes } = info;
  if (result === undefined || folds === undefined) throw new Error(`${run} is finished without a result`);
  return ok({ run, work, model: runPaths(run).model, result, folds, config, notes });
}
