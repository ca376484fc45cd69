import { floatOf, type GraphBuilder, intOf, stringOf, type Value } from "../onnx/index.ts";
import { recurrences } from "./recurrent.ts";
import { formulas } from "./rules/formulas.ts";
import { at, type ForwardCall } from "./rules/rule.ts";

/** An operator said in others, all its outputs; its gradient is that of what is written. */
export type Decomposition = (g: GraphBuilder, call: ForwardCall) => Value | readonly Value[];

/** A row from a formula of one input. */
const ofOne =
  (formula: (f: ReturnType<typeof formulas>, x: Value, call: ForwardCall) => Value): Decomposition =>
  (g, call) =>
    formula(formulas(g), at(call.inputs, 0), call);

/** x·Φ(x) with the normal distribution's Φ, or its approximation by tanh (Hendrycks & Gimpel 2016). */
const gelu = ofOne(({ mul, add, square, tanh, erf }, x, { node }) => {
  const half = mul(0.5, x);
  if (stringOf(node.attributes, "approximate", "none") === "none") return mul(half, add(1, erf(mul(Math.SQRT1_2, x))));
  const cubic = add(x, mul(0.044715, mul(x, square(x))));
  return mul(half, add(1, tanh(mul(Math.sqrt(2 / Math.PI), cubic))));
});

/** scale·(x − mean)/√(variance + ε) + bias with running statistics; in training see BatchNormalizationTraining. */
const batchNormalization: Decomposition = (g, { inputs, node }) => {
  if (intOf(node.attributes, "training_mode", 0) === 1) {
    throw new Error(`${node.name}: BatchNormalization in training mode is differentiated in training programs only`);
  }
  const { add, sub, mul, div, sqrt } = formulas(g);
  const x = at(inputs, 0);
  const wide = (index: number) =>
    g.node("Reshape", [at(inputs, index), g.axes([-1, ...x.type.shape.slice(2).map(() => 1)])]);
  const gain = div(wide(1), sqrt(add(wide(4), floatOf(node.attributes, "epsilon", 1e-5))));
  return add(mul(sub(x, wide(3)), gain), wide(2));
};

/** One row an operator whose gradient follows from a formula in operators with rules. */
export const decompositions: Readonly<Record<string, Decomposition>> = {
  BatchNormalization: batchNormalization,
  // α·elu(x/α)
  Celu: ofOne(({ mul, elu }, x, { node }) => {
    const alpha = floatOf(node.attributes, "alpha", 1);
    return mul(alpha, elu(mul(1 / alpha, x), 1));
  }),
  Gelu: gelu,
  ...recurrences,
  HardSwish: ofOne(({ mul, hardSigmoid }, x) => mul(x, hardSigmoid(x, 1 / 6))),
  // x / ‖x‖ along an axis
  LpNormalization: (g, { inputs, node: { attributes } }) => {
    const x = at(inputs, 0);
    const norm = intOf(attributes, "p", 2) === 1 ? "ReduceL1" : "ReduceL2";
    return formulas(g).div(x, g.node(norm, [x, g.axes([intOf(attributes, "axis", -1)])]));
  },
  Mish: ofOne(({ mul, tanh, softplus }, x) => mul(x, tanh(softplus(x)))),
  // γ·elu(x) (Klambauer et al. 2017)
  Selu: ofOne(({ mul, elu }, x, { node: { attributes } }) =>
    mul(floatOf(attributes, "gamma", 1.0507009873554805), elu(x, floatOf(attributes, "alpha", 1.6732632423543772))),
  ),
};
