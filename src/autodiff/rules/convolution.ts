import {
  type Attributes,
  type GraphBuilder,
  int,
  intOf,
  ints,
  type Sliding,
  slidingOf,
  spreadingOf,
  staticShape,
  type Value,
} from "../../onnx/index.ts";
import { callComposite } from "../composites.ts";
import { at, type ForwardCall, type Gradient, type Gradients } from "./rule.ts";

const spatial = (value: Value) => staticShape(value.type).slice(2);

const attributesOf = ({ node }: ForwardCall, { kernel, strides, pads, dilations }: Sliding): Attributes => ({
  kernel_shape: ints(kernel),
  strides: ints(strides),
  pads: ints(pads),
  dilations: ints(dilations),
  group: int(intOf(node.attributes, "group", 1)),
});

const conv: Gradient = (g, call, dy) => {
  const { node, inputs } = call;
  const [x, w] = [at(inputs, 0), at(inputs, 1)];
  const [kernel, size, slid] = [spatial(w), spatial(x), spatial(dy)];
  const sliding = slidingOf(node, kernel, size);
  const { strides, pads, dilations } = sliding;
  const shared = attributesOf(call, sliding);
  // Rows of x beyond the last full stride get no gradient: the transposed convolution pads them.
  const padding = size.map((length, axis) => {
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
    return length - ((slid[axis]! - 1) * strides[axis]! + reach - pads[axis]! - pads[axis + size.length]!);
  });
  const toInput = { inputs: [dy, w, x], attributes: { ...shared, output_padding: ints(padding) } };
  return [
    () => at(callComposite(g, "ConvInputGrad", toInput), 0),
    () => at(callComposite(g, "ConvWeightGrad", { inputs: [x, dy], attributes: shared }), 0),
    () => biasGradient(g, dy),
  ];
};

const convTranspose: Gradient = (g, call, dy) => {
  const { node, inputs } = call;
  const [x, w] = [at(inputs, 0), at(inputs, 1)];
  const sliding = spreadingOf(node, spatial(w), spatial(x));
  const shared = attributesOf(call, sliding);
  return [
    () => cutLike(g, g.node("Conv", [dy, w], shared), x),
    () => at(callComposite(g, "ConvWeightGrad", { inputs: [dy, x], attributes: shared }), 0),
    () => biasGradient(g, dy),
  ];
};

/** A value without what lies beyond the end of another one. */
function cutLike(g: GraphBuilder, value: Value, like: Value): Value {
  const ends = staticShape(like.type);
  if (staticShape(value.type).every((length, axis) => length === ends[axis])) return value;
  return g.node("Slice", [value, g.axes(ends.map(() => 0)), g.axes(ends)]);
}

/** Σ dy over all but the channels. */
const biasGradient = (g: GraphBuilder, dy: Value) =>
  g.node("ReduceSum", [dy, g.axes([0, ...spatial(dy).map((_, axis) => axis + 2)])], { keepdims: int(0) });

/** Convolutions. */
export const convolution: Gradients = {
  // y = w ⋆ x + b       dx = w ⋆ᵀ dy, dw = x ⋆ dy, db = Σ dy
  Conv: conv,
  // y = w ⋆ᵀ x + b      dx = w ⋆ dy, dw = dy ⋆ x, db = Σ dy
  ConvTranspose: convTranspose,
};
