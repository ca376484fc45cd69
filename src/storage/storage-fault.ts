import type { Problem } from "../base/index.ts";
import { fileProblem } from "../machine/index.ts";

/** Thrown within this room where a file or an archive cannot give what it should; `withFile` turns it into its problem. */
export class StorageFault extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.where}: ${problem.kind}: ${problem.got}`);
    this.problem = problem;
  }
}

/** What the system or an archive said, as a problem. */
export function problemOf(error: unknown, path: string): Problem {
  return error instanceof StorageFault ? error.problem : fileProblem(error, path);
}

/** Reads of a path; what the system says is told of this path, even where another file is written meanwhile. */
export function readsOf<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new StorageFault(problemOf(error, path));
  }
}

/** A fault of an archive or an entry. */
export function storageFault(kind: string, what: Pick<Problem, "where" | "got" | "expected">): StorageFault {
  return new StorageFault({ kind, ...what, next: "copy or make the archive again, or unpack it" });
}
