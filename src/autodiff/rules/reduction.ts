import { type GraphBuilder, int, intOf, staticShape, type Value } from "../../onnx/index.ts";
import { formulas } from "./formulas.ts";
import { at, constantIntegers, type ForwardCall, type Gradient, type Gradients } from "./rule.ts";

/** The axes that a node reduces, from the front: its second input, or all; with `noop_with_empty_axes` none. */
function axesOf(call: ForwardCall): readonly number[] {
  const shape = at(call.inputs, 0).type.shape;
  const given = call.inputs[1] === undefined ? [] : constantIntegers(call, 1, "axes");
  if (given.length > 0) return given.map((axis) => (axis + shape.length) % shape.length);
  return intOf(call.node.attributes, "noop_with_empty_axes", 0) === 1 ? [] : shape.map((_, axis) => axis);
}

/** A reduction with its formulas and values as a rule wants them: y and dy with the reduced axes back as 1. */
interface Reduction {
  readonly g: GraphBuilder;
  readonly f: ReturnType<typeof formulas>;
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
  /** Sums over the reduced axes, kept as 1. */
  readonly sum: (value: Value) => Value;
  /** Number of elements that become one. */
  readonly count: number;
}

/** A rule from the formula of dx; what it says is stretched to the shape of x. */
const ofReduction =
  (derivative: (reduction: Reduction) => Value): Gradient =>
  (g, call, dy) => {
    const x = at(call.inputs, 0);
    const shape = staticShape(x.type);
    const axes = axesOf(call);
    const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const whole = intOf(call.node.attributes, "keepdims", 1) === 1 || axes.length === 0;
    const unreduce = (value: Value) => (whole ? value : g.node("Reshape", [value, g.axes(kept)]));
    const sum = (value: Value) =>
      axes.length === 0 ? value : g.node("ReduceSum", [value, g.axes(axes)], { keepdims: int(1) });
    const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
    return [
      () => {
        const y = unreduce(at(call.outputs, 0));
        const dx = derivative({ g, f: formulas(g), x, y, dy: unreduce(dy), sum, count });
        return dx.type.shape.join() === shape.join() ? dx : g.node("Expand", [dx, g.axes(shape)]);
      },
    ];
  };

/** The best element, several that tie sharing evenly (torch.amax). */
const best = ofReduction(({ f: { equal, indicator, mul, div }, x, y, dy, sum }) => {
  const chosen = indicator(equal(x, y), x);
  return mul(chosen, div(dy, sum(chosen)));
});

// The product of the other elements: y/x, but where one element is 0 it alone moves y, and where two are none does.
const product = ofReduction(({ g, f: { equal, where, indicator, mul, div }, x, dy, sum }) => {
  const zero = indicator(equal(x, 0), x);
  const filled = where(equal(x, 0), 1, x);
  const axes = dy.type.shape.flatMap((length, axis) => (length === x.type.shape[axis] ? [] : [axis]));
  const nonzero = axes.length === 0 ? filled : g.node("ReduceProd", [filled, g.axes(axes)], { keepdims: int(1) });
  return where(equal(sum(zero), zero), div(mul(dy, nonzero), filled), 0);
});

/** Reductions over axes. */
export const reduction: Gradients = {
  ReduceL1: ofReduction(({ f: { mul, sign }, x, dy }) => mul(dy, sign(x))),
  // y = √Σx²            dx = dy·x/y; where all of x is 0 we take 0 (torch.norm)
  ReduceL2: ofReduction(({ f: { mul, div, where, equal }, x, y, dy }) => mul(x, div(dy, where(equal(y, 0), 1, y)))),
  // y = log Σx          dx = dy/Σx
  ReduceLogSum: ofReduction(({ f: { mul, exp, neg }, y, dy }) => mul(dy, exp(neg(y)))),
  // y = log Σeˣ         dx = dy·e^(x − y), which does not overflow
  ReduceLogSumExp: ofReduction(({ f: { mul, exp, sub }, x, y, dy }) => mul(dy, exp(sub(x, y)))),
  ReduceMax: best,
  ReduceMean: ofReduction(({ f: { mul }, dy, count }) => mul(dy, 1 / count)),
  ReduceMin: best,
  ReduceProd: product,
  ReduceSum: ofReduction(({ dy }) => dy),
  ReduceSumSquare: ofReduction(({ f: { mul }, x, dy }) => mul(mul(dy, 2), x)),
};
