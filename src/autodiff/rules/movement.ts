import { ints, intsOf } from "../../onnx/index.ts";
import { at, type Gradients, reshapeLike } from "./rule.ts";

/** Operators that move numbers and change none. */
export const movement: Gradients = {
  Flatten: (g, { inputs }, dy) => [() => reshapeLike(g, dy, at(inputs, 0))],
  Reshape: (g, { inputs }, dy) => [() => reshapeLike(g, dy, at(inputs, 0)), "none"],
  Transpose: (g, { node, inputs }, dy) => {
    const rank = at(inputs, 0).type.shape.length;
    const order = intsOf(
      node.attributes,
      "perm",
      Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
    );
    return [() => g.node("Transpose", [dy], { perm: ints(order.map((_, axis) => order.indexOf(axis))) })];
  },
};
