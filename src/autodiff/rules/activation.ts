import { floatOf, type GraphBuilder, int, intOf, type Value } from "../../onnx/index.ts";
import { callComposite } from "../composites.ts";
import { ofOne } from "./elementwise.ts";
import { formulas } from "./formulas.ts";
import { at, type ForwardCall, type Gradient, type Gradients, sumTo } from "./rule.ts";

// y = x > 0 ? x : slope·x      at 0 the slope counts, as in PyTorch
const pRelu: Gradient = (g, { inputs }, dy) => {
  const { greater, where, mul } = formulas(g);
  const [x, slope] = [at(inputs, 0), at(inputs, 1)];
  return [() => where(greater(x, 0), dy, mul(dy, slope)), () => sumTo(g, where(greater(x, 0), 0, mul(dy, x)), slope)];
};

/** The sum over the axis along which a softmax runs, kept as 1. */
function sumAlong(g: GraphBuilder, { node, inputs }: ForwardCall, value: Value): Value {
  const axis = intOf(node.attributes, "axis", -1);
  const rank = at(inputs, 0).type.shape.length;
  return g.node("ReduceSum", [value, g.axes([axis < 0 ? axis + rank : axis])], { keepdims: int(1) });
}

/** Activations. Those that are a formula of others stand in `decompositions`. */
export const activation: Gradients = {
  // y = x < 0 ? α(eˣ − 1) : x       dx = α·eˣ·dy below, where α·eˣ = y + α; at 0 the exponential's side (PyTorch)
  Elu: ofOne(({ greater, where, mul, add }, { x, y, dy }, { node }) =>
    where(greater(x, 0), dy, mul(dy, add(y, floatOf(node.attributes, "alpha", 1)))),
  ),
  // y = clip(α·x + β, 0, 1)         dx = α·dy inside; at the kinks 0 (PyTorch)
  HardSigmoid: ofOne(({ greater, less, both, where, mul }, { y, dy }, { node }) =>
    where(both(greater(y, 0), less(y, 1)), mul(dy, floatOf(node.attributes, "alpha", 0.2)), 0),
  ),
  LeakyRelu: ofOne(({ greater, where, mul }, { x, dy }, { node }) =>
    where(greater(x, 0), dy, mul(dy, floatOf(node.attributes, "alpha", 0.01))),
  ),
  // y_i = x_i − log Σ_j e^x_j       dx = dy − e^y·Σ dy
  LogSoftmax: (g, call, dy) => {
    const { sub, mul, exp } = formulas(g);
    return [() => sub(dy, mul(exp(at(call.outputs, 0)), sumAlong(g, call, dy)))];
  },
  PRelu: pRelu,
  // y = max(x, 0)                   dx = dy·[y > 0]; at 0 we take 0
  Relu: (g, { outputs }, dy) => [() => at(callComposite(g, "ReluGrad", { inputs: [dy, at(outputs, 0)] }), 0)],
  Shrink: ofOne(({ greater, where, abs }, { x, dy }, { node }) =>
    where(greater(abs(x), floatOf(node.attributes, "lambd", 0.5)), dy, 0),
  ),
  Sigmoid: ofOne(({ mul, sub }, { y, dy }) => mul(dy, mul(y, sub(1, y)))),
  // y_i = e^x_i / Σ_j e^x_j         dx = y∘(dy − Σ dy∘y)
  Softmax: (g, call, dy) => {
    const { sub, mul } = formulas(g);
    const y = at(call.outputs, 0);
    return [() => mul(y, sub(dy, sumAlong(g, call, mul(dy, y))))];
  },
  // y = log(1 + eˣ)                 dx = dy·σ(x)
  Softplus: ofOne(({ mul, sigmoid }, { x, dy }) => mul(dy, sigmoid(x))),
  // y = x/(1 + |x|)                 dx = dy/(1 + |x|)²
  Softsign: ofOne(({ div, square, add, abs }, { x, dy }) => div(dy, square(add(1, abs(x))))),
  Tanh: ofOne(({ mul, sub, square }, { y, dy }) => mul(dy, sub(1, square(y)))),
  ThresholdedRelu: ofOne(({ greater, where }, { x, dy }, { node }) =>
    where(greater(x, floatOf(node.attributes, "alpha", 1)), dy, 0),
  ),
};
