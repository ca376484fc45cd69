import type { Problem } from "../base/index.ts";

/** The problem of work that was told to stop. */
export function interrupted(where: string): Problem {
  return {
    kind: "interrupted",
    where,
    got: "a request to stop",
    expected: "work that runs to its end",
    next: "run the same command again",
  };
}
