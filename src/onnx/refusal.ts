import type { Problem } from "../base/index.ts";

/** Thrown inside this room where a model holds what is not read; becomes a Problem at the room's door. */
export class Refusal extends Error {
  readonly what: Pick<Problem, "got" | "expected" | "next">;

  constructor(what: Pick<Problem, "got" | "expected" | "next">) {
    super(what.got);
    this.what = what;
  }

  /** The problem, for a file. */
  at(where: string): Problem {
    return { kind: "model refused", where, ...this.what };
  }
}
