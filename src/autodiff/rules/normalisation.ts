import { sizeOf } from "../../base/index.ts";
import { floatOf, type GraphBuilder, intOf, staticShape, type Value } from "../../onnx/index.ts";
import { callComposite } from "../composites.ts";
import { formulas } from "./formulas.ts";
import { at, type Gradient, type Gradients, reshapeLike, sumTo } from "./rule.ts";

const batchNormalization: Gradient = (g, { inputs, outputs }, dy) => {
  const [x, scale] = [at(inputs, 0), at(inputs, 1)];
  const [, mean, , inverse] = outputs;
  if (mean === undefined || inverse === undefined) throw new Error("batch normalisation lacks its statistics");
  const gradients = callComposite(g, "BatchNormalizationGrad", { inputs: [dy, x, scale, mean, inverse] });
  return gradients.map((gradient) => () => gradient);
};

/** x̂ = (x − mean)·inverse over some axes, and what gives dL/dx from dL/dx̂ there (Ba et al. 2016). */
function standardise(g: GraphBuilder, x: Value, { axes, epsilon }: { axes: readonly number[]; epsilon: number }) {
  const { add, mul, div, sub, sqrt, square } = formulas(g);
  const mean = (value: Value) => g.node("ReduceMean", [value, g.axes(axes)]);
  const centred = sub(x, mean(x));
  const deviation = sqrt(add(mean(square(centred)), epsilon));
  const normal = div(centred, deviation);
  const back = (d: Value) => div(sub(sub(d, mean(d)), mul(normal, mean(mul(d, normal)))), deviation);
  return { normal, deviation, back };
}

const layerNormalization: Gradient = (g, { node, inputs }, dy, dys) => {
  const [x, scale, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
  const [, dmean, dinverse] = dys;
  const rank = x.type.shape.length;
  const first = (intOf(node.attributes, "axis", -1) + rank) % rank;
  const axes = Array.from({ length: rank - first }, (_, index) => first + index);
  const { normal, deviation, back } = standardise(g, x, {
    axes,
    epsilon: floatOf(node.attributes, "epsilon", 1e-5),
  });
  const { add, sub, mul, div, square } = formulas(g);
  const count = sizeOf(staticShape(x.type).slice(first));
  // The mean and inverse = 1/deviation may be read too: d mean/dx = 1/n, d inverse/dx = −x̂·inverse²/n.
  const statistics = (dx: Value) => {
    const withMean = dmean === undefined ? dx : add(dx, div(dmean, count));
    return dinverse === undefined ? withMean : sub(withMean, div(mul(dinverse, normal), mul(square(deviation), count)));
  };
  return [
    () => statistics(back(mul(dy, scale))),
    () => sumTo(g, mul(dy, normal), scale),
    () => sumTo(g, dy, bias ?? scale),
  ];
};

/** Instances and groups: x as [N, groups, what is normalised], scale and bias for each channel or each group. */
const grouped =
  (groupsOf: (x: Value, attribute: number) => number): Gradient =>
  (g, { node, inputs }, dy) => {
    const [x, scale, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const shape = staticShape(x.type);
    const epsilon = floatOf(node.attributes, "epsilon", 1e-5);
    const groups = groupsOf(x, intOf(node.attributes, "num_groups", 1));
    const view = (value: Value, parts: number) => g.node("Reshape", [value, g.axes([shape[0]!, parts, -1])]);
    const { normal, back } = standardise(g, view(x, groups), { axes: [2], epsilon });
    const parts = staticShape(scale.type)[0]!; // channels, or groups (GroupNormalization of opset 18)
    const { mul } = formulas(g);
    const gain = g.node("Reshape", [scale, g.axes([1, parts, 1])]);
    const sum = (value: Value, like: Value) => reshapeLike(g, sumTo(g, value, gain), like);
    return [
      () => reshapeLike(g, back(view(mul(view(dy, parts), gain), groups)), x),
      () => sum(mul(view(dy, parts), view(normal, parts)), scale),
      () => sum(view(dy, parts), bias),
    ];
  };

/** dx = dy out of training; in training the mask is a feed, which training programs write. */
const dropout: Gradient = (_, call, dy) => {
  const training = call.constant(2);
  if (call.inputs[2] === undefined || (training !== undefined && Number(training.data[0]) === 0)) return [() => dy];
  throw new Error(
    `${call.node.name}: Dropout in training mode has no gradient of its own: trainingProgram writes it with a mask`,
  );
};

/** Normalisations: y = scale·x̂ + bias, x̂ = (x − mean)/√(variance + ε). */
export const normalisation: Gradients = {
  Dropout: dropout,
  GroupNormalization: grouped((_, groups) => groups),
  InstanceNormalization: grouped((x) => staticShape(x.type)[1]!),
  LayerNormalization: layerNormalization,
  "ichor:BatchNormalizationTraining": batchNormalization,
};
