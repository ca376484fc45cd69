import {
  einsumLengths,
  type GraphBuilder,
  parseEinsum,
  staticShape,
  string,
  stringOf,
  type Value,
} from "../../onnx/index.ts";
import { at, type Gradient, type Gradients, sumTo } from "./rule.ts";

// y[out] = Σ Π x_i[labels_i]. dx_i is the same kind of sum: over dy and the other operands, to the labels of x_i. Labels
// that x_i alone has were summed, so dx_i is the same all along them.
const einsum: Gradient = (g, { node, inputs }, dy) => {
  const operands = inputs.map((_, index) => at(inputs, index));
  const shapes = operands.map((operand) => staticShape(operand.type));
  const equation = parseEinsum(
    stringOf(node.attributes, "equation", ""),
    shapes.map((shape) => shape.length),
  );
  const lengths = einsumLengths(equation, shapes);
  const lengthsOf = (labels: readonly string[]) => labels.map((label) => lengths.get(label)!);
  const letters = lettersFor([...lengths.keys()]);
  const term = (labels: readonly string[]) => labels.map((label) => letters.get(label)!).join("");
  return operands.map((operand, index) => () => {
    const own = equation.inputs[index]!;
    if (new Set(own).size < own.length) {
      throw new Error(
        `${node.name}: no gradient of an Einsum that repeats an index in one operand: take a diagonal first`,
      );
    }
    const others = operands.flatMap((other, i) => (i === index ? [] : [{ other, labels: equation.inputs[i]! }]));
    const known = new Set([equation.output, ...others.map(({ labels }) => labels)].flat());
    const kept = own.filter((label) => known.has(label));
    const terms = [equation.output, ...others.map(({ labels }) => labels)].map(term);
    const factors = others.map(({ other, labels }) => stretchTo(g, other, lengthsOf(labels)));
    const sum = g.node("Einsum", [dy, ...factors], { equation: string(`${terms.join()}->${term(kept)}`) });
    if (kept.length === own.length) return sumTo(g, sum, operand);
    const apart = own.map((label) => (known.has(label) ? lengths.get(label)! : 1));
    return sumTo(g, stretchTo(g, g.node("Reshape", [sum, g.axes(apart)]), lengthsOf(own)), operand);
  });
};

/** A letter a label: its own, or for an ellipsis's axis one that is free. */
function lettersFor(labels: readonly string[]): ReadonlyMap<string, string> {
  const free = [..."ZYXWVUTSRQPONMLKJIHGFEDCBA"].filter((letter) => !labels.includes(letter));
  return new Map(labels.map((label) => [label, label.startsWith(".") ? free.shift()! : label]));
}

const stretchTo = (g: GraphBuilder, value: Value, shape: readonly number[]) =>
  shape.join() === value.type.shape.join() ? value : g.node("Expand", [value, g.axes(shape)]);

/** Sums of products by index. */
export const einsums: Gradients = { Einsum: einsum };
