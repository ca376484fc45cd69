/** What is wrong with an input, as data: what, where, the value seen, the value wanted, and the next step. */
export interface Problem {
  /** Short name of the kind of problem, e.g. "truncated", "unknown key", "disk full". */
  readonly kind: string;
  /** From the file inwards: path → tag, node or line → byte offset or slice. */
  readonly where: string;
  /** The value seen. */
  readonly got: string;
  /** The value wanted, with the rule that asks for it. */
  readonly expected: string;
  /** What the user can do about it. */
  readonly next: string;
}

/** A value or a problem. Bad input is returned as data across rooms; a throw is a fault of our own. */
export type Result<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "problem"; readonly problem: Problem };

/** The good case. */
export function ok<T>(value: T): Result<T> {
  return { kind: "ok", value };
}

/** The bad case. */
export function fail(problem: Problem): { readonly kind: "problem"; readonly problem: Problem } {
  return { kind: "problem", problem };
}

/** The problem in one sentence and the next step in another, for people. */
export function describeProblem({ kind, where, got, expected, next }: Problem): string {
  return `${where}: ${kind}: got ${got}, expected ${expected}. Next: ${next}.`;
}

/** Unwraps a result of which a problem would be our own bug (constants, values checked before). */
export function must<T>(result: Result<T>): T {
  if (result.kind === "ok") return result.value;
  throw new Error(describeProblem(result.problem));
}
