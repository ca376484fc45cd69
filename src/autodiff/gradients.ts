import { type Node, operatorKey } from "../onnx/index.ts";
import { convolution } from "./rules/convolution.ts";
import { elementwise } from "./rules/elementwise.ts";
import { linear } from "./rules/linear.ts";
import { loss } from "./rules/loss.ts";
import { movement } from "./rules/movement.ts";
import { normalisation } from "./rules/normalisation.ts";
import { pooling } from "./rules/pooling.ts";
import { reduction } from "./rules/reduction.ts";
import type { Gradient, Gradients } from "./rules/rule.ts";

/** One rule an operator, by operator key; the rules stand in `rules/`, a file a kind of operator. */
export const gradients: Gradients = {
  ...convolution,
  ...elementwise,
  ...linear,
  ...loss,
  ...movement,
  ...normalisation,
  ...pooling,
  ...reduction,
};

/** The rule of a node; an operator without one is an error that names node, operator and where to add it. */
export function gradientOf(node: Node): Gradient {
  const key = operatorKey(node);
  const rule = gradients[key];
  if (rule !== undefined) return rule;
  throw new Error(`${node.name}: no gradient rule for ${key}: add a row to a table in src/autodiff/rules`);
}
