import { fail, ok, type Problem, type Result, type Shaped } from "../base/index.ts";
import type { openPool } from "../machine/index.ts";
import type { Program } from "../onnx/index.ts";
import { type Executor, openExecutor } from "./executor.ts";
import type { ProgramOptions } from "./open-program.ts";
import { ask, type NoAnswer, SessionLost, type Thread } from "./session-lost.ts";
import { type StepResult, type TrainingSession, type TrainingState, tookFinite } from "./training-session.ts";

/** What a gradient thread is asked. */
export type GradientRequest =
  | { readonly kind: "open"; readonly program: Program; readonly options: ProgramOptions }
  | {
      readonly kind: "gradient";
      readonly parameters: Float32Array;
      readonly buffers: Float32Array;
      readonly feeds: Readonly<Record<string, Float32Array>>;
    }
  | { readonly kind: "close" };

/** What it answers, all vectors in plain layout. */
export type GradientAnswer =
  | { readonly kind: "opened"; readonly form: string }
  | { readonly kind: "problem"; readonly problem: Problem }
  | {
      readonly kind: "gradient";
      readonly loss: number;
      readonly gradient: Float32Array;
      readonly buffers: Float32Array;
    }
  | { readonly kind: "closed" };

type GradientThread = Thread<GradientRequest, GradientAnswer | NoAnswer>;

/** The two halves of a training step (`gradientProgram`, `updateProgram`). */
export interface SharedPrograms {
  /** For a piece of the batch. */
  readonly gradient: Program;
  readonly update: Program;
}

/** How a batch is shared out. */
export interface SharedOptions extends ProgramOptions {
  /** Pieces of a batch, of equal size; the gradient is their mean. */
  readonly pieces: number;
  /** Threads that compute pieces at the same time; no more than pieces. */
  readonly workers: number;
  /** Threads inside the operators of all workers together. */
  readonly threads: number;
}

/**
 * What `openSharedSession` opens in a thread of its own: the threads that compute gradients, and the update, which runs
 * on the calling thread. The state must fit.
 */
export async function shareOut(
  { gradient, update }: SharedPrograms,
  initial: TrainingState,
  { pieces, workers, threads, openPool: open, ...how }: SharedOptions & { readonly openPool: typeof openPool },
): Promise<Result<TrainingSession>> {
  const count = Math.max(1, Math.min(workers, pieces));
  const each = Math.max(1, Math.floor(threads / count));
  const pool: GradientThread[] = Array.from({ length: count }, () =>
    open<GradientRequest, GradientAnswer | NoAnswer>(import.meta.url, "./gradient-worker", 1),
  );
  const closeAll = async () => {
    await Promise.all(pool.map((thread) => thread.close()));
  };
  const opening = { kind: "open", program: gradient, options: { ...how, threads: each } } as const;
  const opened: readonly GradientAnswer[] = await Promise.all(pool.map((thread) => ask(thread, opening))).catch(
    async (error: unknown) => {
      if (error instanceof SessionLost) return [{ kind: "problem", problem: error.problem } as const];
      await closeAll();
      throw error;
    },
  );
  const refused = opened.find((answer) => answer.kind === "problem");
  const updating =
    refused === undefined
      ? await openExecutor(update.model, { ...how, threads, where: "update" })
      : fail(refused.problem);
  if (updating.kind === "problem") {
    await closeAll();
    return updating;
  }
  const state: Record<string, Float32Array> = {};
  for (const [name, vector] of Object.entries(initial)) state[name] = vector.slice();
  const [first] = opened;
  return ok({
    form: `${first?.kind === "opened" ? first.form : ""}, ${pieces} pieces, ${count} workers`,
    step: (feeds) => takeSharedStep({ pool, gradient, update, executor: updating.value, state, pieces }, feeds),
    read: async () => Object.fromEntries(Object.entries(state).map(([name, vector]) => [name, vector.slice()])),
    close: async () => {
      await Promise.all(pool.map((thread) => ask(thread, { kind: "close" }).catch(() => undefined)));
      await Promise.all([closeAll(), updating.value.close()]);
    },
  });
}

interface Shared extends SharedPrograms {
  readonly pool: readonly GradientThread[];
  readonly executor: Executor;
  readonly state: Record<string, Float32Array>;
  readonly pieces: number;
}

async function takeSharedStep(shared: Shared, feeds: Readonly<Record<string, Float32Array>>): Promise<StepResult> {
  const { pool, gradient, update, executor, state, pieces } = shared;
  const [parameters, buffers] = [state["parameters"]!, state["buffers"] ?? new Float32Array(0)];
  const answers: GradientAnswer[] = [];
  // Each thread takes every count-th piece, one after the other.
  await Promise.all(
    pool.map(async (thread, worker) => {
      for (let piece = worker; piece < pieces; piece += pool.length) {
        const part = pieceOf(gradient, feeds, { piece, pieces });
        answers[piece] = await ask(thread, { kind: "gradient", parameters, buffers, feeds: part });
      }
    }),
  );
  const sum = new Float32Array(parameters.length);
  const moved = new Float32Array(buffers.length);
  let loss = 0;
  for (const answer of answers) {
    if (answer.kind !== "gradient") throw new Error(`a gradient was answered by ${answer.kind}`);
    addShare(sum, answer.gradient, 1 / pieces);
    addShare(moved, answer.buffers, 1 / pieces);
    loss += answer.loss / pieces;
  }
  const flat = (data: Float32Array): Shaped => ({ data, shape: [data.length] });
  const inputs: Record<string, Shaped> = { gradient: flat(sum) };
  for (const name of update.vectors) inputs[name] = flat(state[name]!);
  for (const { name } of update.feeds) if (name !== "gradient") inputs[name] = flat(feeds[name]!);
  const next = await executor.run(inputs);
  for (const name of update.updated) {
    const data = next[`${name}_next`]?.data;
    if (!(data instanceof Float32Array)) throw new Error(`the update gave no ${name}_next`);
    state[name] = data;
  }
  const finite = tookFinite(next);
  if (buffers.length > 0 && finite) state["buffers"] = moved; // a skipped step leaves the running statistics too
  return { loss, finite, feeds };
}

function addShare(sum: Float32Array, part: Float32Array, share: number): void {
  for (let index = 0; index < sum.length; index++) sum[index]! += part[index]! * share;
}

/** A piece's feeds: its part of what the whole batch has, and whole what is the same for all. */
function pieceOf(
  { feeds }: Program,
  given: Readonly<Record<string, Float32Array>>,
  { piece, pieces }: { readonly piece: number; readonly pieces: number },
): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(
    feeds.map(({ name, shape }) => {
      const [data, length] = [given[name], shape.reduce((product, side) => product * side, 1)];
      if (data?.length === length * pieces) return [name, data.slice(piece * length, (piece + 1) * length)];
      if (data?.length === length) return [name, data];
      throw new Error(`the feed ${name} has ${data?.length} values; ${pieces} pieces of [${shape}] are wanted`);
    }),
  );
}
