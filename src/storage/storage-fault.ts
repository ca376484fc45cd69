import type { Problem } from "../base/index.ts";

/** Thrown within this room where an archive cannot give what it should; `withFile` turns it into its problem. */
export class StorageFault extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.where}: ${problem.kind}: ${problem.got}`);
    this.problem = problem;
  }
}

/** A fault of an archive or an entry. */
export function storageFault(kind: string, what: Pick<Problem, "where" | "got" | "expected">): StorageFault {
  return new StorageFault({ kind, ...what, next: "copy or make the archive again, or unpack it" });
}
