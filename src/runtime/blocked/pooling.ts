import { shaped } from "../../base/index.ts";
import {
  type GraphBuilder,
  int,
  ints,
  intsOf,
  type Node,
  poolingOf,
  slidingOf,
  staticShape,
  type Value,
} from "../../onnx/index.ts";
import { blockedDomain, dims, eachBlock, gate, pass, shiftPlanes, steep, view } from "./operators.ts";
import type { Rule } from "./rule.ts";

/** Maximum over windows of a blocked tensor. */
function blockedMaxPool(
  g: GraphBuilder,
  x: Value,
  {
    kernel,
    strides,
    pads,
  }: { readonly kernel: readonly number[]; readonly strides: readonly number[]; readonly pads: readonly number[] },
): Value {
  const [n, channels, ...plane] = dims(x);
  const slid = plane.map(
    (length, axis) => Math.floor((length + pads[axis]! + pads[axis + 2]! - kernel[axis]!) / strides[axis]!) + 1,
  );
  const attributes = { kernel_shape: ints(kernel), strides: ints(strides), pads: ints(pads), dilations: ints([1, 1]) };
  const type = { element: "float32", shape: [n!, channels!, ...slid] } as const;
  return g.node("MaxPool", [x], attributes, { domain: blockedDomain, types: [type] });
}

/** Windows of 2 without padding or of 3 padded by 1, both of stride 2, on planes of even lengths. */
function halving(node: Node, x: readonly number[]): 2 | 3 | undefined {
  const kernel = intsOf(node.attributes, "kernel_shape", []);
  const { strides, pads, dilations } = slidingOf(node, kernel);
  const [size] = kernel;
  const same = (values: readonly number[], wanted: number) => values.every((value) => value === wanted);
  const [begins, ends] = [pads.slice(0, 2), pads.slice(2)];
  if (kernel.length !== 2 || (size !== 2 && size !== 3) || !same(kernel, size)) return undefined;
  if (!same(strides, 2) || !same(dilations, 1) || !same(begins, size - 2)) return undefined;
  if (ends.some((pad) => pad > 1)) return undefined; // one more window (ceil_mode)
  return x.slice(2).every((length) => length % 2 === 0) ? size : undefined;
}

export const maxPool: Rule = (c, node) => {
  const [name = ""] = node.inputs;
  if (c.held(name).layout !== "blocked" || node.outputs.length > 1) return "declined";
  const { kernel, strides, pads, dilations } = poolingOf(node, staticShape(c.held(name).type).slice(2));
  if (kernel.length !== 2 || dilations.some((dilation) => dilation !== 1)) return "declined";
  c.bind(node.outputs[0]!, blockedMaxPool(c.g, c.blocked(name), { kernel, strides, pads }), "blocked");
  return "lowered";
};

/**
 * The gradient goes to the first maximum of each window in scan order: the first row whose maximum is the window's, and
 * in it the first column. Taken along one axis after the other, two comparisons an axis instead of nine a window.
 */
export const maxPoolGrad: Rule = (c, node) => {
  const [dyName = "", xName = "", yName = ""] = node.inputs;
  if ([xName, yName].some((name) => c.held(name).layout !== "blocked")) return "declined";
  const { g, block } = c;
  const [x, y] = [c.blocked(xName), c.blocked(yName)];
  const size = halving(node, dims(x));
  if (size === undefined) return "declined";
  // Where a ReLU made x, a maximum of zero lets nothing through: gated here, on a quarter of the places.
  const reader = c.onlyReader(node.outputs[0]!);
  const gated = reader?.op === "ReluGrad" && reader.inputs[0] === node.outputs[0] && reader.inputs[1] === xName;
  const [begin, end] = [size - 2, 0];
  const rowMaxima = blockedMaxPool(g, x, { kernel: [1, size], strides: [1, 2], pads: [0, begin, 0, end] });
  // Padding is zero, which where a ReLU made x is the maximum only where nothing is let through.
  const reached = (maxima: Value, axis: 0 | 1) => (gated ? maxima : beyondBorder(g, maxima, { axis, block }));
  // Gates are written over the maxima. Of two operands ONNX Runtime runs the one written later first: so gates are
  // written in front of all else that reads the maxima, and run behind it.
  const columns = gatesAlong(g, { values: x, maxima: reached(rowMaxima, 1) }, { axis: 1, size, block });
  const lent = !gated || c.dies(yName, node) ? y : pass(g, y, {});
  const rows = gatesAlong(g, { values: rowMaxima, maxima: reached(lent, 0) }, { axis: 0, size, block });
  const dy = gated ? g.node("Mul", [c.blocked(dyName), gate(g, y)]) : c.blocked(dyName);
  const drows = toFirst(g, dy, { ...rows, axis: 0, block });
  const dx = toFirst(g, drows, { ...columns, axis: 1, block });
  if (gated) c.absorb(reader);
  c.bind(gated ? reader.outputs[0]! : node.outputs[0]!, dx, "blocked");
  return "lowered";
};

/** Gates of ones and zeros, one a window along an axis: … */
interface Gates {
  /** … whether its first maximum stands before its even place (windows of 3), … */
  readonly before: Value | undefined;
  /** … and if not, whether at its even place rather than at the odd one behind. */
  readonly even: Value;
}

interface Along {
  /** 0 along rows' numbers (down), 1 along columns (right). */
  readonly axis: 0 | 1;
  readonly size: 2 | 3;
  readonly block: number;
}

/** Compares values with the maxima of windows along an axis, half as many, which are written over. */
function gatesAlong(
  g: GraphBuilder,
  { values, maxima }: { readonly values: Value; readonly maxima: Value },
  { axis, size, block }: Along,
): Gates {
  const kernel = axis === 0 ? ([2, 1] as const) : ([1, 2] as const); // the even place and the odd one
  const isLargest = { kind: "HardSigmoid", alpha: steep, beta: 1 } as const;
  const even = eachBlock(g, values, { taps: [1, -1], block, kernel, strides: kernel, activation: isLargest });
  if (size === 2) return { before: undefined, even };
  const shift = { down: axis === 0 ? -1 : 0, right: axis === 1 ? -1 : 0, strides: kernel };
  const equals = { kind: "HardSigmoid", alpha: -steep, beta: 1 } as const;
  return { before: shiftPlanes(g, values, { shift, block, factor: -1, sum: maxima, activation: equals }), even };
}

/** Hands what flows back to each maximum along an axis to the first value that equals it. */
function toFirst(g: GraphBuilder, upstream: Value, { before, even, axis, block }: Gates & Omit<Along, "size">): Value {
  const times = (a: Value, b: Value) => g.node("Mul", [a, b]);
  const minus = (a: Value, b: Value) => g.node("Sub", [a, b]);
  if (before === undefined) {
    const toEven = times(even, upstream);
    return merge(g, [toEven, minus(upstream, toEven)], { axis, block });
  }
  const toBefore = times(before, upstream);
  const rest = minus(upstream, toBefore);
  const toEven = times(even, rest);
  const shift = { down: axis === 0 ? 1 : 0, right: axis === 1 ? 1 : 0 };
  return merge(g, [toEven, shiftPlanes(g, toBefore, { shift, block, sum: minus(rest, toEven) })], { axis, block });
}

/** The maxima, out of reach at the first place of the axis: before it lies padding, which is never the maximum. */
function beyondBorder(
  g: GraphBuilder,
  maxima: Value,
  { axis, block }: { readonly axis: 0 | 1; readonly block: number },
): Value {
  const [n = 1, channels = 1, height = 1, width = 1] = dims(maxima);
  const planes = (n * channels) / block;
  const [lengths, border] =
    axis === 0
      ? [[planes, height, width * block], shaped(new Float32Array(height), [height, 1])]
      : [[planes * height, width * block], shaped(new Float32Array(width * block), [width * block])];
  border.data.fill(steep, 0, axis === 0 ? 1 : block);
  return view(g, g.node("Add", [view(g, maxima, lengths), g.constant(border)]), dims(maxima));
}

/** Even and odd places along an axis into one tensor. */
function merge(
  g: GraphBuilder,
  [even, odd]: readonly [Value, Value],
  { axis, block }: { readonly axis: 0 | 1; readonly block: number },
): Value {
  const [n = 1, channels = 1, height = 1, width = 1] = dims(even);
  const rows = ((n * channels) / block) * height;
  const shape = axis === 0 ? [rows, width * block] : [rows * width, block];
  const both = g.node("Concat", [view(g, even, shape), view(g, odd, shape)], { axis: int(1) });
  return view(g, both, [n, channels, axis === 0 ? 2 * height : height, axis === 1 ? 2 * width : width]);
}
