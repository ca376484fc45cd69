/** An Einsum equation with one label an axis. Axes of an ellipsis are `.1`, `.2`, … counted from its end. */
export interface EinsumEquation {
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/**
 * Reads the equation of ONNX's Einsum ("bij,jk->bik", spaces ignored). Without an arrow the output has the axes of the
 * ellipsis and then, in order of the alphabet, the letters that occur once.
 * @param ranks number of axes of each operand
 */
export function parseEinsum(equation: string, ranks: readonly number[]): EinsumEquation {
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (terms.length !== ranks.length) throw new Error(`Einsum ${equation} is given ${ranks.length} operands`);
  const ellipses = terms.map((term, index) => (term.includes("...") ? ranks[index]! - term.length + 3 : 0));
  const expand = (term: string, width: number) => {
    const dots = Array.from({ length: width }, (_, axis) => `.${width - axis}`);
    const [before = "", after] = term.split("...");
    return after === undefined ? [...before] : [...before, ...dots, ...after];
  };
  const widest = Math.max(0, ...ellipses);
  const letters = left.replaceAll(/[.,]/g, "");
  const once = [...letters].filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  const inputs = terms.map((term, index) => expand(term, ellipses[index]!));
  inputs.forEach((labels, index) => {
    if (labels.length !== ranks[index])
      throw new Error(`Einsum ${equation}: operand ${index} has ${ranks[index]} axes`);
  });
  return { inputs, output: expand(right ?? `...${once.join("")}`, widest) };
}

/** Length of every label; an axis of 1 stretches. */
export function einsumLengths(
  { inputs }: EinsumEquation,
  shapes: readonly (readonly number[])[],
): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  inputs.forEach((labels, operand) => {
    labels.forEach((label, axis) => {
      const [length, sofar] = [shapes[operand]![axis]!, lengths.get(label) ?? 1];
      if (length !== 1 && sofar !== 1 && length !== sofar)
        throw new Error(`Einsum: ${label} is ${sofar} and ${length}`);
      lengths.set(label, Math.max(length, sofar));
    });
  });
  return lengths;
}
