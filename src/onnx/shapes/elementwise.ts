import { unary } from "../evaluate/elementwise.ts";
import { broadcast, broadcastShapes, first, type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

const truth: ShapeRule = (call) => broadcast(call).map(({ shape }) => ({ element: "bool", shape }));

// y = condition ? a : b
const where: ShapeRule = (call) => {
  const [condition, a, b] = [0, 1, 2].map((index) => typeAt(call, index));
  return [{ element: a!.element, shape: [a!.shape, b!.shape].reduce(broadcastShapes, condition!.shape) }];
};

const rows = (operators: readonly string[], rule: ShapeRule): ShapeRules =>
  Object.fromEntries(operators.map((op) => [op, rule]));

/** Operators that work element by element, and those that keep their first input's type for other reasons. */
export const elementwise: ShapeRules = {
  ...rows(Object.keys(unary), first),
  ...rows(["Clip", "CumSum", "Hardmax", "LogSoftmax", "PRelu", "ReverseSequence", "Softmax", "Trilu"], first),
  ...rows(["Add", "Div", "Max", "Mean", "Min", "Mod", "Mul", "Pow", "Sub", "Sum"], broadcast),
  ...rows(["And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not"], truth),
  ...rows(["Or", "Xor"], truth),
  Where: where,
};
