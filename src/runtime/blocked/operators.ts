import { shaped, sizeOf } from "../../base/index.ts";
import { type Attributes, floats, type GraphBuilder, int, ints, string, type Value } from "../../onnx/index.ts";

/**
 * The operators of ONNX Runtime's blocked layout (domain com.microsoft.nchwc, internal to it, measured on 1.30): a
 * blocked tensor is declared [N, C, H, W] and lies in memory as [N, C/B, H, W, B]; a filter [O, I, kh, kw] as
 * [O/B, I/B, kh, kw, B, B]; a depthwise filter [C, 1, kh, kw] as [C/B, kh, kw, B]. Since a Reshape is free, any view
 * of that memory can be taken with ordinary operators.
 */
export const blockedDomain = "com.microsoft.nchwc";

/** What a blocked convolution does besides x and w. */
export interface BlockedConv {
  readonly kernel: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  /** top, left, bottom, right */
  readonly pads?: readonly [number, number, number, number];
  readonly group?: number;
  readonly bias?: Value | undefined;
  /** Added before the activation. In place only if this is its last use; else a slow copy. */
  readonly sum?: Value | undefined;
  readonly activation?: Activation | undefined;
}

/** What a blocked convolution may do to its sums. `HardSigmoid` is clip(alpha·x + beta, 0, 1). */
export type Activation =
  | { readonly kind: "Relu" }
  | { readonly kind: "Clip"; readonly low: number; readonly high: number }
  | { readonly kind: "HardSigmoid"; readonly alpha: number; readonly beta: number };

const parametersOf = (activation: Activation): readonly number[] => {
  switch (activation.kind) {
    case "Relu":
      return [];
    case "Clip":
      return [activation.low, activation.high];
    case "HardSigmoid":
      return [activation.alpha, activation.beta];
  }
};

/** y = activation(x ⋆ w + bias + sum), all blocked (x may be plain if it has fewer channels than a block). */
export function blockedConv(g: GraphBuilder, x: Value, w: Value, how: BlockedConv): Value {
  const { kernel, strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], group = 1, activation } = how;
  const [n, , ...plane] = dims(x);
  const slid = plane.map((length, axis) => {
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
    return Math.floor((length + pads[axis]! + pads[axis + 2]! - reach) / strides[axis]!) + 1;
  });
  const attributes: Attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints(pads),
    group: int(group),
    ...(activation === undefined ? {} : { activation: string(activation.kind) }),
    ...(activation === undefined || activation.kind === "Relu"
      ? {}
      : { activation_params: floats(parametersOf(activation)) }),
  };
  const inputs = how.sum === undefined ? [x, w, how.bias] : [x, w, how.bias, how.sum];
  while (inputs.at(-1) === undefined) inputs.pop();
  const type = { element: "float32", shape: [n!, dims(w)[0]!, ...slid] } as const;
  return g.node("Conv", inputs, attributes, { domain: blockedDomain, types: [type] });
}

/** Blocked [N, C, H, W] → plain, cut to `channels`. */
export function toPlain(g: GraphBuilder, x: Value, channels: number): Value {
  const [n, , ...plane] = dims(x);
  const type = { element: "float32", shape: [n!, channels, ...plane] } as const;
  return g.node("ReorderOutput", [x], { channels: int(channels) }, { domain: blockedDomain, types: [type] });
}

/** Plain [N, C, H, W] → blocked, channels padded with zeros. ReorderInput wants a multiple of 4 channels. */
export function toBlocked(g: GraphBuilder, x: Value, block: number): Value {
  const [n, channels = 1, ...plane] = dims(x);
  const padded = Math.ceil(channels / block) * block;
  const type = { element: "float32", shape: [n!, padded, ...plane] } as const;
  const ready = channels % 4 === 0 ? x : padAxis(g, x, { axis: 1, length: padded });
  return g.node("ReorderInput", [ready], {}, { domain: blockedDomain, types: [type] });
}

/** Zeros behind the values of one axis up to `length`. */
export function padAxis(
  g: GraphBuilder,
  x: Value,
  { axis, length }: { readonly axis: number; readonly length: number },
): Value {
  const shape = dims(x);
  const pads = [...shape.map(() => 0), ...shape.map((now, at) => (at === axis ? length - now : 0))];
  const type = { element: x.type.element, shape: shape.map((now, at) => (at === axis ? length : now)) };
  return g.node("Pad", [x, g.axes(pads)], {}, { types: [type] });
}

/** The first `length` values of one axis. */
export function cutAxis(
  g: GraphBuilder,
  x: Value,
  { axis, length }: { readonly axis: number; readonly length: number },
): Value {
  const type = { element: x.type.element, shape: dims(x).map((now, at) => (at === axis ? length : now)) };
  return g.node("Slice", [x, g.axes([0]), g.axes([length]), g.axes([axis])], {}, { types: [type] });
}

/** Mean over the plane: [N, C, H, W] → [N, C, 1, 1], blocked (which is plain, a plane being one place). */
export function planeMean(g: GraphBuilder, x: Value): Value {
  const [n, channels] = dims(x);
  const type = { element: "float32", shape: [n!, channels!, 1, 1] } as const;
  return g.node("GlobalAveragePool", [x], {}, { domain: blockedDomain, types: [type] });
}

/** Mean a channel over batch and plane: [C]. */
export function channelMean(g: GraphBuilder, x: Value): Value {
  return g.node("ReduceMean", [planeMean(g, x), g.axes([0, 2, 3])], { keepdims: int(0) });
}

/** Σ a·b a channel over batch and plane, [C]: a depthwise convolution of a by b with the plane as kernel. */
export function channelDot(g: GraphBuilder, a: Value, b: Value): Value {
  const [n = 1, channels = 1, height = 1, width = 1] = dims(a);
  const group = n * channels;
  const products = blockedConv(g, view(g, a, [1, group, height, width]), view(g, b, [group, 1, height, width]), {
    kernel: [height, width],
    group,
  });
  return g.node("ReduceSum", [view(g, products, [n, channels]), g.axes([0])], { keepdims: int(0) });
}

/** scale·x + shift (+ sum) a channel, with an activation: a depthwise 1×1 convolution. */
export function channelAffine(
  g: GraphBuilder,
  x: Value,
  { scale, shift, ...extra }: { readonly scale: Value; readonly shift?: Value | undefined } & Extra,
): Value {
  const channels = dims(x)[1]!;
  return blockedConv(g, x, view(g, scale, [channels, 1, 1, 1]), {
    kernel: [1, 1],
    group: channels,
    bias: shift,
    ...extra,
  });
}

/** What can be done in the same pass as a convolution. */
export type Extra = Pick<BlockedConv, "sum" | "activation">;

/** x (+ sum) with an activation, or a copy of x that may be summed into: all channels times one. */
export function pass(g: GraphBuilder, x: Value, extra: Extra): Value {
  return channelAffine(g, x, { scale: g.constant(ones(dims(x)[1]!)), ...extra });
}

/** A vector of ones. */
export const ones = (length: number) => shaped(new Float32Array(length).fill(1), [length]);

/** Where a copy of a plane is taken: out[y, x] = in[stride·y + down, stride·x + right], zero outside. */
export interface Shift {
  readonly down: number;
  readonly right: number;
  readonly strides?: readonly [number, number];
}

/**
 * Shifts or thins the planes of a blocked tensor: a depthwise one-hot convolution, since those run on all threads.
 * With `factor`, `sum` and `activation` it is activation(factor·shifted + sum) in the same pass.
 */
export function shiftPlanes(
  g: GraphBuilder,
  x: Value,
  {
    shift,
    block,
    factor = 1,
    ...extra
  }: { readonly shift: Shift; readonly block: number; readonly factor?: number } & Extra,
): Value {
  const { down, right, strides = [1, 1] } = shift;
  const still = down === 0 && right === 0 && strides[0] === 1 && strides[1] === 1;
  if (still && factor === 1 && extra.sum === undefined && extra.activation === undefined) return x;
  const [, , height = 1, width = 1] = dims(x);
  const [up, left] = [Math.max(0, -down), Math.max(0, -right)];
  const kernel = [Math.abs(down) + 1, Math.abs(right) + 1] as const;
  const taps = new Array<number>(kernel[0] * kernel[1]).fill(0);
  taps[Math.max(0, down) * kernel[1] + Math.max(0, right)] = factor;
  // Behind the end only what the last place reads: with strides the end may not be reached.
  const pads = [up, left, behind(height, strides[0], down), behind(width, strides[1], right)] as const;
  return eachBlock(g, x, { taps, block, kernel, strides, pads, ...extra });
}

/**
 * A depthwise convolution by the same taps in all channels: all channel blocks of all samples are one batch of one
 * block, which a small filter serves.
 */
export function eachBlock(
  g: GraphBuilder,
  x: Value,
  {
    taps,
    block,
    sum,
    ...how
  }: { readonly taps: readonly number[]; readonly block: number } & Omit<BlockedConv, "group" | "bias">,
): Value {
  const [n = 1, channels = 1, ...plane] = dims(x);
  const batch = (n * channels) / block;
  const filter = Float32Array.from({ length: taps.length * block }, (_, at) => taps[Math.floor(at / block)]!);
  const y = blockedConv(
    g,
    view(g, x, [batch, block, ...plane]),
    g.constant(shaped(filter, [block, 1, ...how.kernel])),
    {
      ...how,
      group: block,
      ...(sum === undefined ? {} : { sum: view(g, sum, [batch, block, ...dims(sum).slice(2)]) }),
    },
  );
  return view(g, y, [n, channels, ...dims(y).slice(2)]);
}

/** Zeros behind the end so that ceil(length / stride) places come out. */
function behind(length: number, stride: number, shift: number): number {
  const last = (Math.ceil(length / stride) - 1) * stride + shift;
  return Math.max(0, last - (length - 1));
}

/** The same memory under another shape. A view of a view is one view, and the same view is made once. */
export function view(g: GraphBuilder, x: Value, shape: readonly number[]): Value {
  const views = viewed.get(g) ?? { sources: new Map<string, Value>(), made: new Map<string, Value>() };
  viewed.set(g, views);
  const source = views.sources.get(x.name) ?? x;
  if (dims(source).join() === shape.join()) return source;
  const key = `${source.name} ${shape}`;
  const made = views.made.get(key) ?? g.node("Reshape", [source, g.axes(shape)]);
  views.made.set(key, made);
  views.sources.set(made.name, source);
  return made;
}

/** The views of a graph under construction: what they are views of, and which there are. */
const viewed = new WeakMap<GraphBuilder, { readonly sources: Map<string, Value>; readonly made: Map<string, Value> }>();

/** Exchanges axes. */
export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Value {
  return g.node("Transpose", [x], { perm: ints(order) });
}

/**
 * Chunks of memory in another order, some or all of them, the same in each of `parts` equal parts: what a Transpose does
 * too, but on all threads. Answers [parts, order.length, chunk].
 */
export function reorder(
  g: GraphBuilder,
  x: Value,
  { chunk, order, parts = 1 }: { readonly chunk: number; readonly order: readonly number[]; readonly parts?: number },
): Value {
  const chunks = view(g, x, [parts, sizeOf(dims(x)) / (parts * chunk), chunk]);
  return g.node("Gather", [chunks, g.axes(order)], { axis: int(1) });
}

/** The order of chunks that exchanges the axes of [first, second]. */
export const exchanged = (first: number, second: number): number[] =>
  Array.from({ length: first * second }, (_, at) => (at % first) * second + Math.floor(at / first));

/** 1 where y > 0, else 0: a HardSigmoid with a slope beyond all values, in one pass. */
export function gate(g: GraphBuilder, y: Value): Value {
  return pass(g, y, { activation: { kind: "HardSigmoid", alpha: steep, beta: 0 } });
}

/** A slope beyond all values: makes a HardSigmoid a step. */
export const steep = 1e30;

/** The static lengths of a value of the lowered graph. */
export function dims(x: Value): number[] {
  return x.type.shape.map((length) => {
    if (typeof length === "number") return length;
    throw new Error(`${x.name}: the length ${length} is not known: the lowered graph is for a fixed batch`);
  });
}
