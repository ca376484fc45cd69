import type { Result } from "../base/index.ts";
import type { handOver, openPool } from "../machine/index.ts";
import { type FeedMaker, makeAhead } from "./made-feeds.ts";
import type { NoAnswer } from "./session-lost.ts";
import { shareOut } from "./shared-session.ts";
import { openTrainingSession, type TrainingSession } from "./training-session.ts";
import { type Answer, buffersOf, type Request } from "./training-thread.ts";

/** Worker threads, as `machine` has them: an argument, since browsers import this room too and have no such threads. */
export interface Threads {
  readonly handOver: typeof handOver;
  readonly openPool: typeof openPool;
}

type Opening = Extract<Request, { readonly kind: "open" | "share out" }>;

/**
 * The task function of a thread that holds one training session: opens it, takes its steps, closes it. With a maker, steps
 * can name feeds to be made: for such steps the thread's event loop has to go on between two tasks.
 */
export function trainingAnswers<Task>(
  { handOver, openPool }: Threads,
  maker?: FeedMaker<Task>,
): (request: Request<Task>) => Promise<Answer | NoAnswer> {
  let session: TrainingSession | undefined;
  const ahead = maker === undefined ? undefined : makeAhead(maker);
  const open = (request: Opening): Promise<Result<TrainingSession>> =>
    request.kind === "open"
      ? openTrainingSession(request.program, request.initial, request.options)
      : shareOut(request.programs, request.initial, { ...request.options, openPool });
  const answer = async (request: Request<Task>): Promise<Answer | NoAnswer> => {
    if (request.kind === "open" || request.kind === "share out") {
      const opened = await open(request);
      if (opened.kind === "problem") return opened;
      session = opened.value;
      return { kind: "opened", form: session.form };
    }
    if (session === undefined) return { kind: "no session" }; // a new thread in the place of one that died
    if (request.kind === "step") {
      const { feeds, making } = request;
      const made = making?.now === undefined ? {} : await ahead?.take(making.now);
      if (making?.next !== undefined) ahead?.begin(making.next);
      const { loss, finite } = await session.step({ ...feeds, ...made });
      ahead?.makeLater();
      return handOver({ kind: "stepped", loss, finite, feeds }, buffersOf(feeds)); // what was made stays here
    }
    if (request.kind === "read") return { kind: "read", state: await session.read() };
    await session.close();
    session = undefined;
    return { kind: "closed" };
  };
  return (request) =>
    answer(request).catch((error: unknown) => ({
      kind: "fault",
      message: error instanceof Error ? error.message : String(error),
    }));
}
