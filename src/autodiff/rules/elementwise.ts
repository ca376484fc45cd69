import type { Value } from "../../onnx/index.ts";
import { formulas } from "./formulas.ts";
import { at, type ForwardCall, type Gradient, type Gradients, sumTo } from "./rule.ts";

/** dx of an operator of one input, from x, y and dy; the derivative is all that its row says. */
type Derivative = (
  f: ReturnType<typeof formulas>,
  values: { readonly x: Value; readonly y: Value; readonly dy: Value },
  call: ForwardCall,
) => Value;

/** A rule from the formula of dx. */
export const ofOne =
  (derivative: Derivative): Gradient =>
  (g, call, dy) => [() => derivative(formulas(g), { x: at(call.inputs, 0), y: at(call.outputs, 0), dy }, call)];

/** A rule from the formulas of da and db; what was stretched by broadcasting is summed. */
const ofTwo =
  (
    left: (f: ReturnType<typeof formulas>, values: Record<"a" | "b" | "y" | "dy", Value>) => Value,
    right: (f: ReturnType<typeof formulas>, values: Record<"a" | "b" | "y" | "dy", Value>) => Value,
  ): Gradient =>
  (g, { inputs, outputs }, dy) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    const values = { a, b, y: at(outputs, 0), dy };
    return [() => sumTo(g, left(formulas(g), values), a), () => sumTo(g, right(formulas(g), values), b)];
  };

const isFloat = ({ type }: Value) => type.element === "float32" || type.element === "float64";

// y = aᵇ. A zero exponent has slope 0 also where a = 0, and a base of 0 gives the exponent none (PyTorch's pow).
const pow: Gradient = (g, { inputs, outputs }, dy) => {
  const { mul, sub, pow: power, log, where, equal } = formulas(g);
  const [a, exponent, y] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  const b = isFloat(exponent) ? exponent : g.node("CastLike", [exponent, a]);
  const base = () => mul(mul(dy, b), power(a, sub(b, 1)));
  const logarithm = () => log(where(equal(a, 0), 1, a));
  return [
    () => sumTo(g, where(equal(b, 0), 0, base()), a),
    isFloat(exponent) ? () => sumTo(g, mul(mul(dy, y), logarithm()), exponent) : "none",
  ];
};

/** y is the best of the inputs: they share dy evenly where they tie (torch.maximum). */
const best: Gradient = (g, { inputs, outputs }, dy) => {
  const { equal, where, indicator, div, add } = formulas(g);
  const chosen = inputs.map((_, index) => equal(at(inputs, index), at(outputs, 0)));
  const count = () => chosen.map((mask) => indicator(mask, dy)).reduce(add);
  return inputs.map((_, index) => () => sumTo(g, where(chosen[index]!, div(dy, count()), 0), at(inputs, index)));
};

const spread: (share: (count: number) => number) => Gradient =
  (share) =>
  (g, { inputs }, dy) => {
    const weight = share(inputs.length);
    return inputs.map((_, index) => () => sumTo(g, weight === 1 ? dy : formulas(g).mul(dy, weight), at(inputs, index)));
  };

// y = min(max(x, low), high): x is moved by nothing from low to high, both included (torch.clamp). low ≤ high is taken.
const clip: Gradient = (g, { inputs }, dy) => {
  const { less, greater, where } = formulas(g);
  const [x, low, high] = [at(inputs, 0), inputs[1], inputs[2]];
  const inside = () => {
    const above = low === undefined ? dy : where(less(x, low), 0, dy);
    return high === undefined ? above : where(greater(x, high), 0, above);
  };
  return [
    inside,
    low === undefined ? "none" : () => sumTo(g, where(less(x, low), dy, 0), low),
    high === undefined ? "none" : () => sumTo(g, where(greater(x, high), dy, 0), high),
  ];
};

// y = condition ? a : b
const where: Gradient = (g, { inputs }, dy) => {
  const [condition, a, b] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const f = formulas(g);
  return ["none", () => sumTo(g, f.where(condition, dy, 0), a), () => sumTo(g, f.where(condition, 0, dy), b)];
};

/** Operators that work element by element, with broadcasting. */
export const elementwise: Gradients = {
  // at 0 we take 0
  Abs: ofOne(({ mul, sign }, { x, dy }) => mul(dy, sign(x))),
  Acos: ofOne(({ div, neg, sqrt, sub, square }, { x, dy }) => neg(div(dy, sqrt(sub(1, square(x)))))),
  Acosh: ofOne(({ div, sqrt, sub, square }, { x, dy }) => div(dy, sqrt(sub(square(x), 1)))),
  Add: ofTwo(
    (_, { dy }) => dy,
    (_, { dy }) => dy,
  ),
  Asin: ofOne(({ div, sqrt, sub, square }, { x, dy }) => div(dy, sqrt(sub(1, square(x))))),
  Asinh: ofOne(({ div, sqrt, add, square }, { x, dy }) => div(dy, sqrt(add(1, square(x))))),
  Atan: ofOne(({ div, add, square }, { x, dy }) => div(dy, add(1, square(x)))),
  Atanh: ofOne(({ div, sub, square }, { x, dy }) => div(dy, sub(1, square(x)))),
  Clip: clip,
  Cos: ofOne(({ mul, neg, sin }, { x, dy }) => neg(mul(dy, sin(x)))),
  Cosh: ofOne(({ mul, sinh }, { x, dy }) => mul(dy, sinh(x))),
  // y = a/b             da = dy/b, db = −dy·y/b
  Div: ofTwo(
    ({ div }, { b, dy }) => div(dy, b),
    ({ div, mul, neg }, { b, y, dy }) => neg(div(mul(dy, y), b)),
  ),
  Erf: ofOne(({ mul, exp, neg, square }, { x, dy }) => mul(mul(dy, 2 / Math.sqrt(Math.PI)), exp(neg(square(x))))),
  Exp: ofOne(({ mul }, { y, dy }) => mul(dy, y)),
  Identity: ofOne((_, { dy }) => dy),
  Log: ofOne(({ div }, { x, dy }) => div(dy, x)),
  Max: best,
  Mean: spread((count) => 1 / count),
  Min: best,
  // y = a − n·b with a whole number n = (a − y)/b
  Mod: ofTwo(
    (_, { dy }) => dy,
    ({ mul, div, sub }, { a, b, y, dy }) => mul(dy, div(sub(y, a), b)),
  ),
  Mul: ofTwo(
    ({ mul }, { b, dy }) => mul(dy, b),
    ({ mul }, { a, dy }) => mul(dy, a),
  ),
  Neg: ofOne(({ neg }, { dy }) => neg(dy)),
  Pow: pow,
  Reciprocal: ofOne(({ mul, neg, square }, { y, dy }) => neg(mul(dy, square(y)))),
  Sin: ofOne(({ mul, cos }, { x, dy }) => mul(dy, cos(x))),
  Sinh: ofOne(({ mul, cosh }, { x, dy }) => mul(dy, cosh(x))),
  Sqrt: ofOne(({ div, mul }, { y, dy }) => div(dy, mul(2, y))),
  Sub: ofTwo(
    (_, { dy }) => dy,
    ({ neg }, { dy }) => neg(dy),
  ),
  Sum: spread(() => 1),
  Tan: ofOne(({ mul, add, square }, { y, dy }) => mul(dy, add(1, square(y)))),
  Where: where,
};
