import { fail, ok, type Problem, type Result } from "../base/index.ts";
import type { Program } from "../onnx/index.ts";
import type { Making } from "./made-feeds.ts";
import type { ProgramOptions } from "./open-program.ts";
import { ask, type NoAnswer, SessionLost, type Thread } from "./session-lost.ts";
import type { SharedOptions, SharedPrograms } from "./shared-session.ts";
import { missingVector, type StepResult, type TrainingSession, type TrainingState } from "./training-session.ts";

/** What the thread is asked. */
export type Request<Task = unknown> =
  | {
      readonly kind: "open";
      readonly program: Program;
      readonly initial: TrainingState;
      readonly options: ProgramOptions;
    }
  | {
      readonly kind: "share out";
      readonly programs: SharedPrograms;
      readonly initial: TrainingState;
      readonly options: SharedOptions;
    }
  | {
      readonly kind: "step";
      readonly feeds: Readonly<Record<string, Float32Array>>;
      readonly making?: Making<Task> | undefined;
    }
  | { readonly kind: "read" }
  | { readonly kind: "close" };

/** What it answers. */
export type Answer =
  | { readonly kind: "opened"; readonly form: string }
  | { readonly kind: "problem"; readonly problem: Problem }
  | ({ readonly kind: "stepped" } & StepResult)
  | { readonly kind: "read"; readonly state: TrainingState }
  | { readonly kind: "closed" };

/** A thread that `trainingAnswers` answers in. */
export type TrainingThread = Thread<Request, Answer | NoAnswer>;

/** A training session in a thread of its own. */
export interface ThreadedSession extends TrainingSession {
  /**
   * Takes one step. What it wants made is made in the thread, where that has a maker, beside the feeds that are handed
   * over, and only these come back.
   */
  step(feeds: Readonly<Record<string, Float32Array>>, making?: Making<unknown>): Promise<StepResult>;
}

interface OnThread {
  /** Opens the thread; a test may want it in its hands. */
  readonly openThread?: () => TrainingThread | Promise<TrainingThread>;
}

/** How a training thread is opened. */
export interface TrainingThreadOptions extends ProgramOptions, OnThread {}

/**
 * A training session in a thread of its own, so that a step, which is one long call into native code, leaves this
 * thread free for progress, signals and the next batch. Feeds are handed over: their buffers are empty until the step
 * gives them back.
 * Problems: those of `openTrainingSession`; when the thread ends, what is waited for rejects with SessionLost.
 */
export async function openTrainingThread(
  program: Program,
  initial: TrainingState,
  { openThread = openOwnThread, ...options }: TrainingThreadOptions = {},
): Promise<Result<ThreadedSession>> {
  return openOver(await openThread(), { kind: "open", program, initial, options });
}

/**
 * A training session whose batches are taken in pieces, one after the other (a larger batch in the same memory) or by
 * several threads at once. The pieces' gradients are summed in their order, so the result does not depend on which thread
 * was faster, nor on how many there are. Losses are means over pieces; batch normalisation sees a piece at a time, and
 * its running statistics are the mean of what the pieces make of them. Sums and updates have a thread of their own, and
 * feeds are handed over, as `openTrainingThread` does.
 */
export async function openSharedSession(
  programs: SharedPrograms,
  initial: TrainingState,
  { openThread = openOwnThread, ...options }: SharedOptions & OnThread,
): Promise<Result<ThreadedSession>> {
  const missing = missingVector({ ...programs.gradient, vectors: programs.update.vectors }, initial);
  if (missing !== undefined) return fail(missing);
  return openOver(await openThread(), { kind: "share out", programs, initial, options });
}

/** Has a thread open a session, and answers one that asks it. */
async function openOver(thread: TrainingThread, request: Request): Promise<Result<ThreadedSession>> {
  try {
    const opened = await ask(thread, request);
    if (opened.kind === "problem") {
      await thread.close();
      return opened;
    }
    return ok({
      form: opened.kind === "opened" ? opened.form : "",
      async step(feeds, making) {
        const answer = await ask(thread, { kind: "step", feeds, making }, buffersOf(feeds));
        if (answer.kind !== "stepped") throw new Error(`a step was answered by ${answer.kind}`);
        const { loss, finite, feeds: spent } = answer;
        return { loss, finite, feeds: spent };
      },
      async read() {
        const answer = await ask(thread, { kind: "read" });
        if (answer.kind === "read") return answer.state;
        throw new Error(`a read was answered by ${answer.kind}`);
      },
      async close() {
        await ask(thread, { kind: "close" }).catch((error: unknown) => {
          if (!(error instanceof SessionLost)) throw error; // a thread that is gone is closed
        });
        await thread.close();
      },
    });
  } catch (error) {
    await thread.close();
    if (error instanceof SessionLost) return fail(error.problem);
    throw error;
  }
}

/** The thread of `training-worker`. The pool comes in late: browsers import this room too, and have no such threads. */
export async function openOwnThread(): Promise<TrainingThread> {
  const { openPool } = await import("../machine/index.ts");
  return openPool<Request, Answer | NoAnswer>(import.meta.url, "./training-worker", 1);
}

/** What is handed over: each buffer once; views into a larger one are copied, since it belongs to others too. */
export const buffersOf = (feeds: Readonly<Record<string, Float32Array>>): ArrayBuffer[] => [
  ...new Set(
    Object.values(feeds).flatMap(({ buffer, byteLength }) =>
      buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
    ),
  ),
];
