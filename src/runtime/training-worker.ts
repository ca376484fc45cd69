// The thread of a training session, one session a thread: opens it, takes its steps, closes it.
import type { Result } from "../base/index.ts";
import { handOver } from "../machine/index.ts";
import type { NoAnswer } from "./session-lost.ts";
import { shareOut } from "./shared-session.ts";
import { openTrainingSession, type TrainingSession } from "./training-session.ts";
import { type Answer, buffersOf, type Request } from "./training-thread.ts";

let session: TrainingSession | undefined;

type Opening = Extract<Request, { readonly kind: "open" | "share out" }>;

const open = (request: Opening): Promise<Result<TrainingSession>> =>
  request.kind === "open"
    ? openTrainingSession(request.program, request.initial, request.options)
    : shareOut(request.programs, request.initial, request.options);

export default async function answer(request: Request): Promise<Answer | NoAnswer> {
  try {
    if (request.kind === "open" || request.kind === "share out") {
      const opened = await open(request);
      if (opened.kind === "problem") return opened;
      session = opened.value;
      return { kind: "opened", form: session.form };
    }
    if (session === undefined) return { kind: "no session" }; // a new thread in the place of one that died
    if (request.kind === "step") {
      const result = await session.step(request.feeds);
      return handOver({ kind: "stepped", ...result }, buffersOf(result.feeds));
    }
    if (request.kind === "read") return { kind: "read", state: await session.read() };
    await session.close();
    session = undefined;
    return { kind: "closed" };
  } catch (error) {
    return { kind: "fault", message: error instanceof Error ? error.message : String(error) };
  }
}
