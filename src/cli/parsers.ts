import { type Window, windows } from "../ct/index.ts";

/** Text that is not empty. */
export function text(value: string): string {
  if (value.trim() === "") throw new Error("is empty");
  return value;
}

/** A whole number within bounds. */
export function wholeNumber(low: number, high: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= low && number <= high) return number;
    throw new Error(`not a whole number from ${low} to ${high}`);
  };
}

/** A window by name, or center/width in HU. */
export function windowOf(value: string): Window {
  const named = Object.entries(windows).find(([name]) => name === value)?.[1];
  if (named !== undefined) return named;
  const numbers = /^(-?\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(value);
  const [center, width] = [Number(numbers?.[1]), Number(numbers?.[2])];
  if (numbers !== null && width > 0) return { center, width };
  throw new Error(`one of ${Object.keys(windows).join(", ")} or center/width, such as 40/80, is wanted`);
}

/** One of some names; the nearest is proposed where it is none of them. */
export function oneOf<Name extends string>(names: readonly Name[]): (value: string) => Name {
  return (value) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    const near = names.map((name) => ({ name, far: distance(value, name) })).sort((one, other) => one.far - other.far);
    throw new Error(`one of ${names.join(", ")} is wanted; did you mean ${near[0]?.name}?`);
  };
}

/** Characters to insert, delete or replace to get from one word to another (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= to.length; at++) {
      const replaced = row[at - 1]! + (to[at - 1] === character ? 0 : 1);
      next.push(Math.min(replaced, row[at]! + 1, next[at - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
