import { shaped } from "../base/index.ts";
import { type GraphBuilder, int, type Value } from "../onnx/index.ts";
import { callComposite } from "./composites.ts";

/** A loss as a piece of graph: a scalar from the network's answers and what they should have been, of one shape [N, K]. */
type Loss = (
  g: GraphBuilder,
  answers: { readonly logits: Value; readonly labels: Value },
  /** Weight of each of the K answers; they are shared out to a sum of 1. */
  weights: readonly number[],
) => Value;

const sharesOf = (g: GraphBuilder, weights: readonly number[]): Value => {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return g.constant(
    shaped(
      Float32Array.from(weights, (weight) => weight / total),
      [1, weights.length],
    ),
  );
};

const meanOverRows = (g: GraphBuilder, values: Value) =>
  g.node("ReduceMean", [g.node("ReduceSum", [values, g.axes([1])], { keepdims: int(0) }), g.axes([0])], {
    keepdims: int(0),
  });

/** One row a loss. */
export const losses = {
  // L = mean_n Σ_k share_k·BCE(σ(z_nk), y_nk): several labels at once, the competition's metric
  "weighted cross-entropy": (g, { logits, labels }, weights) => {
    const [loss] = callComposite(g, "WeightedCrossEntropy", { inputs: [logits, labels, sharesOf(g, weights)] });
    if (loss === undefined) throw new Error("the loss has no value");
    return loss;
  },
  // L = −mean_n Σ_k y_nk·log softmax(z_n)_k: one class of K, labels one-hot (or soft), unweighted
  "softmax cross-entropy": (g, { logits, labels }) =>
    g.node("Neg", [meanOverRows(g, g.node("Mul", [labels, g.node("LogSoftmax", [logits])]))]),
  // L = mean_n Σ_k share_k·(z_nk − y_nk)²
  "squared error": (g, { logits, labels }, weights) => {
    const error = g.node("Sub", [logits, labels]);
    return meanOverRows(g, g.node("Mul", [g.node("Mul", [error, error]), sharesOf(g, weights)]));
  },
} as const satisfies Record<string, Loss>;

/** Name of a loss. */
export type LossName = keyof typeof losses;
