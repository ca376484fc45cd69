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

/** One of some names; the nearest is proposed where it is none of them. */
export function oneOf<Name extends string>(names: readonly Name[]): (value: string) => Name {
  return (value) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    throw new Error(`one of ${names.join(", ")} is wanted`);
  };
}
