import { type Node, operatorKey } from "../onnx/index.ts";
import { type Decomposition, decompositions } from "./decompositions.ts";
import { activation } from "./rules/activation.ts";
import { constant } from "./rules/constant.ts";
import { convolution } from "./rules/convolution.ts";
import { einsums } from "./rules/einsum.ts";
import { elementwise } from "./rules/elementwise.ts";
import { indexing } from "./rules/indexing.ts";
import { linear } from "./rules/linear.ts";
import { loss } from "./rules/loss.ts";
import { movement } from "./rules/movement.ts";
import { normalisation } from "./rules/normalisation.ts";
import { pooling } from "./rules/pooling.ts";
import { reduction } from "./rules/reduction.ts";
import { resizing } from "./rules/resize.ts";
import type { Gradient, Gradients } from "./rules/rule.ts";

/** One rule an operator, by operator key; the rules stand in `rules/`, a file a kind of operator. */
export const gradients: Gradients = {
  ...activation,
  ...constant,
  ...convolution,
  ...einsums,
  ...elementwise,
  ...indexing,
  ...linear,
  ...loss,
  ...movement,
  ...normalisation,
  ...pooling,
  ...reduction,
  ...resizing,
};

/** How a node is differentiated: by its rule, or by that of the formula which it stands for. */
export type Differentiation =
  | { readonly kind: "rule"; readonly rule: Gradient }
  | { readonly kind: "formula"; readonly formula: Decomposition };

/** The row of a node; an operator without one is an error that names node, operator and where to add it. */
export function differentiationOf(node: Node): Differentiation {
  const key = operatorKey(node);
  const [rule, formula] = [gradients[key], decompositions[key]];
  if (rule !== undefined) return { kind: "rule", rule };
  if (formula !== undefined) return { kind: "formula", formula };
  throw new Error(`${node.name}: no gradient rule for ${key}: add a row to a table in src/autodiff/rules`);
}

/** Operators through which a gradient flows, by operator key in order. */
export const differentiableOperators: readonly string[] = [...Object.keys(gradients), ...Object.keys(decompositions)]
  .filter((key) => !(key in constant))
  .sort();
