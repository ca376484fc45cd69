import { intOf, intsOf } from "../attributes.ts";
import type { ValueType } from "../graph.ts";
import { axesOf, axisOf, type Call, first, firstAlong, type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

/** As many of an operator's outputs as the node names: the first `always`, the others where they are asked for. */
const asked = (call: Call, always: number, types: readonly ValueType[]): readonly ValueType[] =>
  types.slice(0, Math.max(always, call.outputs ?? always));

// Y, and in training the next running mean and variance (BatchNormalization-15).
const batchNormalization: ShapeRule = (call) => {
  const [x, mean, variance] = [typeAt(call, 0), typeAt(call, 3), typeAt(call, 4)];
  return intOf(call.attributes, "training_mode", 0) === 1 ? asked(call, 1, [x, mean, variance]) : [x];
};

// Y, and the mean and the inverse deviation over the axes from `axis` on (LayerNormalization-17).
const layerNormalization: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const from = axisOf(call, intOf(call.attributes, "axis", -1), shape.length);
  const statistic: ValueType = { element, shape: shape.map((length, axis) => (axis < from ? length : 1)) };
  return asked(call, 1, [typeAt(call, 0), statistic, statistic]);
};

// Y, and what was kept (Dropout-13).
const dropout: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  return asked(call, 1, [
    { element, shape },
    { element: "bool", shape },
  ]);
};

const meanVariance: ShapeRule = (call) => {
  const x = typeAt(call, 0);
  axesOf(call, intsOf(call.attributes, "axes", [0, 2, 3]), x.shape.length);
  return [x];
};

/** Normalisations, and Dropout. */
export const normalisation: ShapeRules = {
  BatchNormalization: batchNormalization,
  Dropout: dropout,
  GroupNormalization: first,
  InstanceNormalization: first,
  LayerNormalization: layerNormalization,
  LpNormalization: firstAlong("axis", -1),
  LRN: first,
  MeanVarianceNormalization: meanVariance,
};
