import { fail, ok, type ProgressTask, type Result } from "../base/index.ts";
import { planEpoch } from "../dataset/index.ts";
import type { NetworkState } from "../models/index.ts";
import { SessionLost, type StepResult, type ThreadedSession } from "../runtime/index.ts";
import type { BatchSource } from "./batch-source.ts";
import type { Position } from "./checkpoint.ts";
import type { TrainingConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { interrupted } from "./interruption.ts";
import type { MetricsLog } from "./metrics-log.ts";
import { learningRate } from "./schedule.ts";
import { nextScaling } from "./update-settings.ts";
import type { Validation } from "./validation.ts";

/** Every so many steps one line goes to `metrics.jsonl`. */
const loggedSteps = 10;

/** What the loop works with; files are behind `log`, `save` and `saveBest`. */
export interface LoopParts {
  readonly config: TrainingConfig;
  readonly engine: Pick<Engine, "feeds">;
  readonly session: Pick<ThreadedSession, "step" | "read">;
  readonly batches: Pick<BatchSource, "ask" | "reuse">;
  /** Rows of the training fold, and the labels of the whole table. */
  readonly rows: Int32Array;
  readonly labels: Float32Array;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly log: MetricsLog;
  validate(state: NetworkState, note: string): Promise<Result<Validation | undefined>>;
  /** Writes a checkpoint of the session at a position. */
  save(position: Position, best: NetworkState | undefined): Promise<Result<void>>;
  saveBest(position: Position, best: NetworkState): Result<void>;
  /** Milliseconds that only grow. */
  readonly clock: () => number;
  /** At the latest after so long, a checkpoint is written between two steps. */
  readonly checkpointMs: number;
  readonly task: ProgressTask;
  readonly signal: AbortSignal;
}

/** Where the loop stands between two steps. */
export interface LoopState {
  readonly position: Position;
  readonly best: NetworkState | undefined;
}

/** Whether all epochs are done, or patience is at its end. */
export function isTrained({ epochs, patience }: TrainingConfig, { epoch, step, best }: Position): boolean {
  const waited = best === undefined ? 0 : epoch - 1 - best.epoch;
  return epoch > epochs || (step === 0 && patience !== undefined && waited >= patience);
}

/**
 * Trains from a position to the end. The position and the session's state determine everything that follows, so a
 * training that goes on from a checkpoint takes the very steps it would have taken. Problems: "interrupted" (after a
 * checkpoint), "diverged", those of validation and of files.
 */
export async function trainOn(parts: LoopParts, start: LoopState): Promise<Result<LoopState>> {
  const { config, clock } = parts;
  const began = clock() - start.position.seconds * 1000;
  const timed = { ...parts, seconds: () => Math.round(clock() - began) / 1000 };
  let state = start;
  while (!isTrained(config, state.position)) {
    const trained = await trainEpoch(timed, state);
    if (trained.kind === "problem") return trained;
    const closed = await closeEpoch(timed, trained.value);
    if (closed.kind === "problem") return closed;
    state = closed.value;
  }
  return ok(state);
}

type TimedParts = LoopParts & { readonly seconds: () => number };

/** The steps of an epoch that are still to be taken. */
async function trainEpoch(parts: TimedParts, state: LoopState): Promise<Result<LoopState>> {
  const { config, clock, batches, session, engine, stepsPerEpoch, task } = parts;
  const plans = planBatches(parts, state.position.epoch);
  const ask = (step: number) => {
    const rows = plans[step];
    return rows === undefined ? undefined : batches.ask({ rows, epoch: state.position.epoch, step });
  };
  let position = state.position;
  let next = ask(position.step);
  let saved = clock();
  while (position.step < stepsPerEpoch) {
    if (parts.signal.aborted) return stop(parts, { ...state, position });
    const now = next;
    if (now === undefined) throw new Error(`epoch ${position.epoch} has no step ${position.step}`);
    next = ask(position.step + 1);
    const making = { now: now.made, next: next?.made };
    const scalars = engine.feeds(position.steps, config.epochs * stepsPerEpoch, position.scaling);
    const batch = await now.feeds;
    const stepped = await whileItLives(() => session.step({ ...batch, ...scalars }, making));
    if (stepped.kind === "problem") return stepped;
    const { loss, feeds } = stepped.value;
    batches.reuse(feeds);
    const after = afterStep(config, position, stepped.value);
    if (after === undefined) return fail(diverged(config, position, loss));
    position = { ...after, seconds: parts.seconds() };
    task.advance(
      1,
      `epoch ${position.epoch} of ${config.epochs}, loss ${(position.lossSum / position.step).toFixed(4)}`,
    );
    const logged = logStep(parts, position, loss);
    if (logged.kind === "problem") return logged;
    if (clock() - saved < parts.checkpointMs) continue;
    const written = await save(parts, { ...state, position });
    if (written.kind === "problem") return written;
    saved = clock();
  }
  return ok({ ...state, position });
}

/**
 * Where a step leads; undefined where its loss is no number. While a dynamic scale can still fall, such a step is skipped,
 * and counts as the mean of those before: a batch may overflow in low precision where the next does not.
 */
function afterStep(config: TrainingConfig, position: Position, { loss, finite }: StepResult): Position | undefined {
  const { scaling, step, steps, lossSum } = position;
  const mayFall = config.lossScale === "dynamic" && scaling !== undefined && !finite && scaling.scale > 1;
  if (!Number.isFinite(loss) && !mayFall) return undefined;
  const counted = Number.isFinite(loss) ? loss : lossSum / Math.max(1, step);
  return {
    ...position,
    step: step + 1,
    steps: steps + 1,
    lossSum: lossSum + counted,
    ...(scaling === undefined ? {} : { scaling: nextScaling(config, scaling, finite) }),
  };
}

/** What a session answers; a session that is lost is a problem, since the run goes on from its checkpoint. */
async function whileItLives<T>(ask: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await ask());
  } catch (error) {
    if (error instanceof SessionLost) return fail(error.problem);
    throw error;
  }
}

/** Validation, the epoch's line, the best so far, and the checkpoint that opens the next epoch. */
async function closeEpoch(parts: TimedParts, state: LoopState): Promise<Result<LoopState>> {
  const { config, session, log, stepsPerEpoch } = parts;
  const held = await whileItLives(() => session.read());
  if (held.kind === "problem") return held;
  const { parameters, average = parameters, buffers } = held.value;
  if (average === undefined) throw new Error("the training step has no parameters");
  const now: NetworkState = { parameters: average, buffers: buffers ?? new Float32Array() };
  const { epoch, steps, lossSum } = state.position;
  const validated = await parts.validate(now, `epoch ${epoch} of ${config.epochs}, validating`);
  if (validated.kind === "problem") {
    return validated.problem.kind === "interrupted" ? stop(parts, state) : validated;
  }
  const figures = figuresOf(validated.value);
  const bestLoss = state.position.best?.validationLoss;
  // A fold that says nothing leaves the last epoch as the best.
  const better = figures.validationLoss === undefined || bestLoss === undefined || figures.validationLoss < bestLoss;
  const best = better ? { epoch, ...figures } : state.position.best;
  const position: Position = {
    ...state.position,
    epoch: epoch + 1,
    step: 0,
    lossSum: 0,
    seconds: parts.seconds(),
    ...(best === undefined ? {} : { best }),
  };
  const logged = log.append({
    kind: "epoch",
    epoch,
    step: steps,
    learningRate: learningRate(config, steps - 1, config.epochs * stepsPerEpoch),
    trainLoss: lossSum / stepsPerEpoch,
    ...figures,
    bestEpoch: best?.epoch ?? epoch,
    seconds: position.seconds,
  });
  if (logged.kind === "problem") return logged;
  const next: LoopState = { position, best: better ? now : state.best };
  if (better) {
    const kept = parts.saveBest(position, now);
    if (kept.kind === "problem") return kept;
  }
  return save(parts, next);
}

/** The rows of each batch of an epoch. */
function planBatches({ config, rows, labels, batchSize, stepsPerEpoch }: LoopParts, epoch: number): Int32Array[] {
  const { seed, positiveShare } = config;
  const share = positiveShare === "as found" ? {} : { positiveShare };
  const plans = planEpoch(rows, labels, { seed, epoch, batchSize, ...share });
  if (plans.length === stepsPerEpoch && plans.every((plan) => plan.length === batchSize)) return plans;
  throw new Error(`epoch ${epoch} has ${plans.length} batches instead of ${stepsPerEpoch} of ${batchSize}`);
}

function figuresOf(validation: Validation | undefined): { validationLoss?: number; validationAucAny?: number } {
  if (validation === undefined) return {};
  const { loss, aucAny } = validation;
  return { validationLoss: loss, ...(aucAny === undefined ? {} : { validationAucAny: aucAny }) };
}

function logStep({ config, log, stepsPerEpoch }: LoopParts, position: Position, loss: number): Result<void> {
  if (position.steps % loggedSteps !== 0) return ok(undefined);
  return log.append({
    kind: "step",
    epoch: position.epoch,
    step: position.steps,
    learningRate: learningRate(config, position.steps - 1, config.epochs * stepsPerEpoch),
    trainLoss: loss,
    seconds: position.seconds,
  });
}

/** The log first, then the checkpoint that counts on it; answers the state as it was written. */
async function save(parts: LoopParts, state: LoopState): Promise<Result<LoopState>> {
  const bytes = parts.log.sync();
  if (bytes.kind === "problem") return bytes;
  const position = { ...state.position, metricsBytes: bytes.value };
  const saved = await whileItLives(() => parts.save(position, state.best));
  const written = saved.kind === "problem" ? saved : saved.value;
  return written.kind === "problem" ? written : ok({ ...state, position });
}

async function stop(parts: LoopParts, state: LoopState): Promise<Result<never>> {
  const written = await save(parts, state);
  return written.kind === "problem" ? written : fail(interrupted("training"));
}

function diverged(config: TrainingConfig, { epoch, steps }: Position, loss: number) {
  return {
    kind: "diverged",
    where: `epoch ${epoch}, step ${steps + 1}`,
    got: `a loss of ${loss}`,
    expected: "a number",
    next: `train into a new run folder with a lower learning rate, such as --set learningRate=${config.learningRate / 10}`,
  };
}
