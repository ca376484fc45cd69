import type { Problem } from "../base/index.ts";

/** What a session's calls reject with when that which takes its steps is gone. */
export class SessionLost extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.where}: ${problem.got}`);
    this.problem = problem;
  }
}

/** A thread that takes requests: a pool of one. */
export interface Thread<Request, Answer> {
  run(request: Request, options?: { readonly transfer?: readonly ArrayBuffer[] }): Promise<Answer>;
  close(): Promise<void>;
}

/** How a thread says that it cannot answer. */
export type NoAnswer =
  | { readonly kind: "no session" } // a new thread in the place of one that died
  | { readonly kind: "fault"; readonly message: string };

/** Asks a thread; rejects with SessionLost where it has ended, and with an error where its work threw one. */
export async function ask<Request, Answer extends { readonly kind: string }>(
  thread: Thread<Request, Answer | NoAnswer>,
  request: Request,
  transfer: readonly ArrayBuffer[] = [],
): Promise<Exclude<Answer, NoAnswer>> {
  const answer = await thread.run(request, { transfer }).catch((error: unknown) => {
    throw new SessionLost(threadEnded(error instanceof Error ? error.message : String(error)));
  });
  if (isNoAnswer(answer)) {
    if (answer.kind === "fault") throw new Error(answer.message);
    throw new SessionLost(threadEnded("a new thread that knows nothing of the training"));
  }
  return answer as Exclude<Answer, NoAnswer>;
}

const isNoAnswer = (answer: { readonly kind: string }): answer is NoAnswer =>
  answer.kind === "no session" || answer.kind === "fault";

const threadEnded = (why: string): Problem => ({
  kind: "training stopped",
  where: "a thread that takes the steps",
  got: why,
  expected: "threads that live as long as the training",
  next: "run the same command again: it goes on from the last checkpoint; if memory ran out, with a smaller batchSize",
});
