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
import { blockedDomain, dims, gate, pass, shiftPlanes, steep, view } from "./operators.ts";
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
 * in it the first column. Taken along one axis after the other, three comparisons an axis instead of nine a window.
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
  const dy = gated ? g.node("Mul", [c.blocked(dyName), gate(g, y)]) : c.blocked(dyName);
  const [begin, end] = [size - 2, 0];
  const rowMaxima = blockedMaxPool(g, x, { kernel: [1, size], strides: [1, 2], pads: [0, begin, 0, end] });
  const drows = toFirst(g, { values: rowMaxima, maxima: y, upstream: dy, axis: 0 }, { size, block });
  const dx = toFirst(g, { values: x, maxima: rowMaxima, upstream: drows, axis: 1 }, { size, block });
  if (gated) c.absorb(reader);
  c.bind(gated ? reader.outputs[0]! : node.outputs[0]!, dx, "blocked");
  return "lowered";
};

interface Along {
  /** Values, twice as long along the axis as … */
  readonly values: Value;
  /** … their maxima, and what flows back to these. */
  readonly maxima: Value;
  readonly upstream: Value;
  /** 0 along rows' numbers (down), 1 along columns (right). */
  readonly axis: 0 | 1;
}

/** Hands what flows back to each maximum to the first value along the axis that equals it. */
function toFirst(
  g: GraphBuilder,
  { values, maxima, upstream, axis }: Along,
  { size, block }: { readonly size: 2 | 3; readonly block: number },
): Value {
  const along = (step: number) => ({ down: axis === 0 ? step : 0, right: axis === 1 ? step : 0 });
  const strides = axis === 0 ? ([2, 1] as const) : ([1, 2] as const);
  /** 1 where the value `step` places from the window's middle equals the maximum, else 0. */
  const equals = (step: number, sum: Value) =>
    shiftPlanes(g, values, {
      shift: { ...along(step), strides },
      block,
      factor: -1,
      sum,
      activation: { kind: "HardSigmoid", alpha: -steep, beta: 1 },
    });
  const copy = () => pass(g, maxima, {});
  const times = (a: Value, b: Value) => g.node("Mul", [a, b]);
  const minus = (a: Value, b: Value) => g.node("Sub", [a, b]);
  if (size === 2) {
    const even = times(equals(0, copy()), upstream);
    return merge(g, [even, minus(upstream, even)], { axis, block });
  }
  const before = times(equals(-1, beyondBorder(g, maxima, { axis, block })), upstream);
  const rest = minus(upstream, before);
  const even = times(equals(0, copy()), rest);
  const odd = shiftPlanes(g, before, { shift: along(1), block, sum: minus(rest, even) });
  return merge(g, [even, odd], { axis, block });
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
