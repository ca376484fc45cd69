import type { Gradient, Gradients } from "./rule.ts";

/** Nothing flows back: the output does not move with the inputs, or is no real number. */
const none: Gradient = (_, { inputs }) => inputs.map(() => "none" as const);

const operators = [
  ...["And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or", "Xor"],
  ...["ArgMax", "ArgMin", "OneHot"],
  ...["Ceil", "Floor", "Round", "Sign"], // steps: their slope is 0 wherever they have one, as in PyTorch
  ...["Constant", "ConstantOfShape", "Range", "Shape", "Size"],
];

/** Operators that let no gradient through: comparisons, indices, steps, shapes. */
export const constant: Gradients = Object.fromEntries(operators.map((op) => [op, none]));
