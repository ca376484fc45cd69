import { intOf } from "../attributes.ts";
import { unary } from "../evaluate/elementwise.ts";
import {
  axesOf,
  broadcast,
  broadcastShapes,
  constantInts,
  first,
  firstAlong,
  type ShapeRule,
  type ShapeRules,
  typeAt,
} from "./rule.ts";

const truth: ShapeRule = (call) => broadcast(call).map(({ shape }) => ({ element: "bool", shape }));

// y = condition ? a : b
const where: ShapeRule = (call) => {
  const [condition, a, b] = [0, 1, 2].map((index) => typeAt(call, index));
  return [{ element: a!.element, shape: [a!.shape, b!.shape].reduce(broadcastShapes, condition!.shape) }];
};

const cumSum: ShapeRule = (call) => {
  const x = typeAt(call, 0);
  const axis = call.inputs[1];
  if (axis !== undefined && call.constants.has(axis.name)) axesOf(call, constantInts(call, 1), x.shape.length);
  return [x];
};

const reverseSequence: ShapeRule = (call) => {
  const x = typeAt(call, 0);
  const [batch, time] = [intOf(call.attributes, "batch_axis", 1), intOf(call.attributes, "time_axis", 0)];
  axesOf(call, [batch, time], x.shape.length);
  return [x];
};

const rows = (operators: readonly string[], rule: ShapeRule): ShapeRules =>
  Object.fromEntries(operators.map((op) => [op, rule]));

/** Operators that work element by element, and those that keep their first input's type for other reasons. */
export const elementwise: ShapeRules = {
  ...rows(Object.keys(unary), first),
  ...rows(["Clip", "PRelu", "Trilu"], first),
  ...rows(["Hardmax", "LogSoftmax", "Softmax"], firstAlong("axis", -1)),
  ...rows(["Add", "Div", "Max", "Mean", "Min", "Mod", "Mul", "Pow", "Sub", "Sum"], broadcast),
  ...rows(["And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not"], truth),
  ...rows(["Or", "Xor"], truth),
  CumSum: cumSum,
  ReverseSequence: reverseSequence,
  Where: where,
};
