import { fail, ok, type Problem, type Result } from "../base/index.ts";
import type { Program } from "../onnx/index.ts";
import { ask, type NoAnswer, SessionLost, type Thread } from "./session-lost.ts";
import type { StepResult, TrainingSession, TrainingSessionOptions, TrainingState } from "./training-session.ts";

/** What the thread is asked. */
export type Request =
  | {
      readonly kind: "open";
      readonly program: Program;
      readonly initial: TrainingState;
      readonly options: TrainingSessionOptions;
    }
  | { readonly kind: "step"; readonly feeds: Readonly<Record<string, Float32Array>> }
  | { readonly kind: "read" }
  | { readonly kind: "close" };

/** What it answers. */
export type Answer =
  | { readonly kind: "opened"; readonly form: string }
  | { readonly kind: "problem"; readonly problem: Problem }
  | ({ readonly kind: "stepped" } & StepResult)
  | { readonly kind: "read"; readonly state: TrainingState }
  | { readonly kind: "closed" };

type TrainingThread = Thread<Request, Answer | NoAnswer>;

/** How a training thread is opened. */
export interface TrainingThreadOptions extends TrainingSessionOptions {
  /** Opens the thread; a test may want it in its hands. */
  readonly openThread?: () => TrainingThread | Promise<TrainingThread>;
}

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
): Promise<Result<TrainingSession>> {
  const thread = await openThread();
  try {
    const opened = await ask(thread, { kind: "open", program, initial, options });
    if (opened.kind === "problem") {
      await thread.close();
      return opened;
    }
    return ok({
      form: opened.kind === "opened" ? opened.form : "",
      async step(feeds) {
        const answer = await ask(thread, { kind: "step", feeds }, buffersOf(feeds));
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
