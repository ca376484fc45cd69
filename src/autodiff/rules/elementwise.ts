import { callComposite } from "../composites.ts";
import { at, type Gradients, sumTo } from "./rule.ts";

/** Operators that work element by element, with broadcasting. */
export const elementwise: Gradients = {
  // y = |x|             dx = dy·sign x
  Abs: (g, { inputs }, dy) => [() => g.node("Mul", [dy, g.node("Sign", [at(inputs, 0)])])],
  // y = a + b           da = dy, db = dy (summed where stretched)
  Add: (g, { inputs }, dy) => [() => sumTo(g, dy, at(inputs, 0)), () => sumTo(g, dy, at(inputs, 1))],
  // y = eˣ              dx = dy·y
  Exp: (g, { outputs }, dy) => [() => g.node("Mul", [dy, at(outputs, 0)])],
  Identity: (_, __, dy) => [() => dy],
  // y = log x           dx = dy/x
  Log: (g, { inputs }, dy) => [() => g.node("Div", [dy, at(inputs, 0)])],
  // y = a∘b             da = dy∘b, db = dy∘a
  Mul: (g, { inputs }, dy) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    return [() => sumTo(g, g.node("Mul", [dy, b]), a), () => sumTo(g, g.node("Mul", [dy, a]), b)];
  },
  Neg: (g, _, dy) => [() => g.node("Neg", [dy])],
  // y = max(x, 0)       dx = dy·[y > 0]
  Relu: (g, { outputs }, dy) => [() => at(callComposite(g, "ReluGrad", { inputs: [dy, at(outputs, 0)] }), 0)],
  // y = σ(x)            dx = dy·y·(1 − y)
  Sigmoid: (g, { outputs }, dy) => {
    const y = at(outputs, 0);
    return [() => g.node("Mul", [dy, g.node("Mul", [y, g.node("Sub", [g.scalar(1), y])])])];
  },
  // y = a − b           da = dy, db = −dy
  Sub: (g, { inputs }, dy) => [() => sumTo(g, dy, at(inputs, 0)), () => sumTo(g, g.node("Neg", [dy]), at(inputs, 1))],
};
