import { floatOf, type GraphBuilder, type Node, type Value } from "../../onnx/index.ts";
import { channelAffine, channelDot, channelMean, dims } from "./operators.ts";
import type { Lowering, Rule } from "./rule.ts";

/** Places that a channel has in batch and plane. */
export function placesOf(x: Value): number {
  const [n = 1, , height = 1, width = 1] = dims(x);
  return n * height * width;
}

/** mean = Σx/M, var = Σx²/M − mean², y = x·(scale·inverse) + (bias − mean·scale·inverse); the reader's work in one pass. */
export const batchNormalization: Rule = (c, node) => {
  const { g } = c;
  const x = c.blocked(node.inputs[0]!);
  const [scale, bias] = [c.channels(node.inputs[1]!), c.channels(node.inputs[2]!)];
  const mean = channelMean(g, x);
  const square = g.node("Mul", [channelDot(g, x, x), g.scalar(1 / placesOf(x))]);
  // Rounding may leave a variance just below zero where a channel is constant.
  const variance = g.node("Relu", [g.node("Sub", [square, g.node("Mul", [mean, mean])])]);
  const epsilon = g.scalar(floatOf(node.attributes, "epsilon", 1e-5));
  const inverse = g.node("Reciprocal", [g.node("Sqrt", [g.node("Add", [variance, epsilon])])]);
  const gain = g.node("Mul", [scale, inverse]);
  const shift = g.node("Sub", [bias, g.node("Mul", [mean, gain])]);
  c.bindPending(node.outputs[0]!, {
    takesSum: true,
    write: (extra) => channelAffine(g, x, { scale: gain, shift, ...extra }),
  });
  for (const [index, value] of [mean, variance, inverse].entries()) c.bind(node.outputs[index + 1]!, value, "channels");
  return "lowered";
};

/**
 * With t = (mean(dy·x) − mean·mean(dy))·inverse: dscale = M·t, dbias = Σdy,
 * dx = gain·(dy + r·x + s), gain = scale·inverse, r = −inverse·t, s = −r·mean − mean(dy).
 * Where convolutions alone read dx and their filters are smaller than dx, the gain is left to the filters.
 */
export const batchNormalizationGrad: Rule = (c, node) => {
  const { g } = c;
  const [dyName = "", xName = ""] = node.inputs;
  const [dy, x] = [c.blocked(dyName), c.blocked(xName)];
  const [scale, mean, inverse] = [2, 3, 4].map((index) => c.channels(node.inputs[index]!));
  const count = g.scalar(placesOf(x));
  const meanDy = channelMean(g, dy);
  const meanDot = g.node("Mul", [channelDot(g, dy, x), g.scalar(1 / placesOf(x))]);
  const t = g.node("Mul", [g.node("Sub", [meanDot, g.node("Mul", [mean, meanDy])]), inverse]);
  const gain = g.node("Mul", [scale, inverse]);
  const minusR = g.node("Mul", [inverse, t]);
  const slope = g.node("Neg", [minusR]);
  const shift = g.node("Sub", [g.node("Mul", [minusR, mean]), meanDy]);
  if (c.dies(dyName, node) && gainGoesToFilters(c, node, dims(x))) {
    c.bindScaled(node.outputs[0]!, { value: channelAffine(g, x, { scale: slope, shift, sum: dy }), gain });
  } else {
    const rest = channelAffine(g, x, scaledBy(g, gain, { scale: slope, shift })); // dies below: summed in place
    c.bind(node.outputs[0]!, channelAffine(g, dy, { scale: gain, sum: rest }), "blocked");
  }
  c.bind(node.outputs[1]!, g.node("Mul", [t, count]), "channels");
  c.bind(node.outputs[2]!, g.node("Mul", [meanDy, count]), "channels");
  return "lowered";
};

const scaledBy = (
  g: GraphBuilder,
  gain: Value,
  { scale, shift }: { readonly scale: Value; readonly shift: Value },
) => ({
  scale: g.node("Mul", [gain, scale]),
  shift: g.node("Mul", [gain, shift]),
});

/** Whether only lowered convolutions read dx, with filters that cost less to scale than dx does. */
function gainGoesToFilters(c: Lowering, node: Node, shape: readonly number[]): boolean {
  const size = shape.reduce((product, length) => product * length, 1);
  const readers = c.readers(node.outputs[0]!);
  return (
    readers.length > 0 &&
    readers.every((reader) => {
      const filter = c.filterSize(reader, node.outputs[0]!);
      return filter !== undefined && filter < size / 2;
    })
  );
}
