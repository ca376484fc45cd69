import { type GraphBuilder, intOf, staticShape, type Value } from "../../onnx/index.ts";
import { at, type ForwardCall, type Gradients, integersOf, sizeOfValue } from "./rule.ts";

/** A reduction's gradient with the reduced axes back as 1, ready to be stretched. */
function unreduce(g: GraphBuilder, call: ForwardCall, dy: Value): Value {
  const { node, inputs } = call;
  if (intOf(node.attributes, "keepdims", 1) === 1) return dy;
  const shape = staticShape(at(inputs, 0).type);
  const axes = new Set(
    (integersOf(call, 1) ?? shape.map((_, axis) => axis)).map((axis) => (axis + shape.length) % shape.length),
  );
  return g.node("Reshape", [dy, g.axes(shape.map((length, axis) => (axes.has(axis) ? 1 : length)))]);
}

/** Sums and means over axes. */
export const reduction: Gradients = {
  // y = mean x          dx = dy/n at each of the n places
  ReduceMean: (g, call, dy) => {
    const x = at(call.inputs, 0);
    const share = sizeOfValue(x) / sizeOfValue(at(call.outputs, 0));
    const spread = () => g.node("Expand", [unreduce(g, call, dy), g.axes(staticShape(x.type))]);
    return [() => g.node("Mul", [spread(), g.scalar(1 / share)])];
  },
  // y = Σ x             dx = dy at each place
  ReduceSum: (g, call, dy) => [
    () => g.node("Expand", [unreduce(g, call, dy), g.axes(staticShape(at(call.inputs, 0).type))]),
  ],
};
