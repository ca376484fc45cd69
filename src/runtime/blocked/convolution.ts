import { sizeOf } from "../../base/index.ts";
import { type GraphBuilder, int, type Value } from "../../onnx/index.ts";
import type { FilterLayout } from "./layout.ts";
import { type BlockedConv, blockedConv, dims, type Extra, reorder, toPlain, view } from "./operators.ts";
import { winogradConv, winogradPays, winogradWeightGrad, winogradWeightGradPays } from "./winograd.ts";

/** A convolution that runs blocked. Its kernel is square and odd and padded by (kernel − 1)/2. */
export interface ConvShape {
  /** How its filter lies in memory, which says what kind of convolution it is. */
  readonly filter: FilterLayout;
  readonly kernel: number;
  readonly stride: 1 | 2;
  readonly block: number;
}

/** What decides whether a convolution has a blocked form: shapes, and the attributes of the node. */
export interface ConvFacts {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
  /** Whether x is a plain image whose gradient nobody asks for. */
  readonly image?: boolean;
}

const largestKernel = 7;

/** The blocked form of a convolution and its gradients, if there is one. */
export function convFits(
  { x, w, strides, pads, dilations, group, image = false }: ConvFacts,
  block: number,
): ConvShape | undefined {
  const [outputs = 0, inputs = 0, kernel = 0, across = 0] = w;
  const [, channels = 0, height = 0, width = 0] = x;
  const [stride = 0, strideAcross = 0] = strides;
  if (x.length !== 4 || kernel !== across || stride !== strideAcross || kernel % 2 === 0) return undefined;
  if (dilations.some((dilation) => dilation !== 1) || pads.some((pad) => pad !== (kernel - 1) / 2)) return undefined;
  if ((stride !== 1 && stride !== 2) || kernel > largestKernel) return undefined;
  if (image && group === 1 && inputs < block && inputs % 4 !== 0) return { filter: "image", kernel, stride, block };
  if (stride === 2 && (height % 2 !== 0 || width % 2 !== 0)) return undefined;
  // More than three quarters padding costs more than it gains.
  if (channels * 4 < block) return undefined;
  if (group === channels && outputs === channels && inputs === 1 && kernel >= stride)
    return { filter: "depthwise", kernel, stride, block };
  if (group !== 1) return undefined;
  // The weight gradient takes the plane in lanes of one block.
  if (((height / stride) * (width / stride)) % block !== 0) return undefined;
  return { filter: "filter", kernel, stride, block };
}

/** Kernel, strides, pads and groups of the forward pass; `channels` are the padded ones of x. */
export function forwardOf({ filter, kernel, stride }: ConvShape, channels: number): BlockedConv {
  const pad = (kernel - 1) / 2;
  return {
    kernel: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: filter === "depthwise" ? channels : 1,
  };
}

/** A filter [O/B, I/B, k², B, B] with the two B axes of every chunk exchanged. */
function turned(g: GraphBuilder, w: Value, { block }: ConvShape): Value {
  const rows = sizeOf(dims(w)) / block;
  // Seen as blocked planes of B places, leaving the layout exchanges them.
  return toPlain(g, view(g, w, [1, rows, block, 1]), rows);
}

/** The taps of a kernel row that reach one parity of x, and where dy must be read: dx[2u + parity] = Σ w[taps[j]]·dy[u + first + j]. */
interface Reach {
  readonly taps: readonly number[];
  readonly first: number;
}

/** With stride 2, x = 2y + tap − pad: the even and the odd places of x meet different taps. */
export function reachOf(kernel: number, parity: 0 | 1): Reach {
  const pad = (kernel - 1) / 2;
  const all = Array.from({ length: kernel }, (_, tap) => tap).filter((tap) => (tap + parity + pad) % 2 === 0);
  const taps = all.reverse();
  return { taps, first: (parity + pad - (taps[0] ?? 0)) / 2 };
}

/** Quarter planes of a value: places (even, even), (even, odd), (odd, even), (odd, odd); zero where undefined. */
export type Quarters = readonly [Value | undefined, Value | undefined, Value | undefined, Value | undefined];

/** The filter of an input gradient, cut to some taps. */
type TakeTaps = (taps: readonly number[], size: readonly [number, number]) => Value;

function tapsOf(g: GraphBuilder, w: Value, shape: ConvShape): TakeTaps {
  const [outputs = 1, inputs = 1] = dims(w);
  const count = shape.kernel * shape.kernel;
  if (shape.filter === "depthwise") {
    const rows = view(g, w, [outputs / shape.block, count, shape.block]);
    return (taps, size) => view(g, g.node("Gather", [rows, g.axes(taps)], { axis: int(1) }), [outputs, 1, ...size]);
  }
  const chunks = turned(g, w, shape);
  const [outputBlocks, inputBlocks] = [outputs / shape.block, inputs / shape.block];
  return (taps, size) => {
    const order = Array.from({ length: inputBlocks * outputBlocks }, (_, at) => {
      const [i, o] = [Math.floor(at / outputBlocks), at % outputBlocks];
      return taps.map((tap) => (o * inputBlocks + i) * count + tap);
    }).flat();
    return view(g, reorder(g, chunks, { chunk: shape.block ** 2, order }), [inputs, outputs, ...size]);
  };
}

/** Taps of a filter outermost, as `winogradConv` wants them: chunks [O/B, I/B, k², …] → [k², O/B, I/B, …] or turned. */
function tapsOutermost(
  g: GraphBuilder,
  chunks: Value,
  {
    pairs,
    taps,
    block,
  }: { readonly pairs: readonly number[]; readonly taps: readonly number[]; readonly block: number },
): Value {
  const order = taps.flatMap((tap) => pairs.map((pair) => pair * taps.length + tap));
  return reorder(g, chunks, { chunk: block * block, order });
}

/** Convolutions of the kind that Winograd's products are written for. */
const tileable = ({ filter, kernel, stride }: ConvShape): boolean =>
  filter === "filter" && kernel === 3 && stride === 1;

/** y = activation(x ⋆ w + bias + sum) */
export function convForward(
  g: GraphBuilder,
  x: Value,
  w: Value,
  { shape, ...how }: { readonly shape: ConvShape; readonly bias: Value | undefined } & Extra,
): Value {
  const [outputs = 1, inputs = 1] = dims(w);
  if (!tileable(shape) || !winogradPays(dims(x), outputs))
    return blockedConv(g, x, w, { ...forwardOf(shape, dims(x)[1]!), ...how });
  const { block } = shape;
  const pairs = Array.from({ length: (outputs / block) * (inputs / block) }, (_, pair) => pair);
  const byTap = tapsOutermost(g, w, { pairs, taps: Array.from({ length: 9 }, (_, tap) => tap), block });
  return winogradConv(g, x, { byTap, outputs }, { block, ...how });
}

/** dx = dy ⋆ w turned by 180° with its channels exchanged, for stride 1. */
export function convInputGrad(
  g: GraphBuilder,
  dy: Value,
  w: Value,
  { shape, ...extra }: { readonly shape: ConvShape } & Extra,
): Value {
  const { kernel, block } = shape;
  const reversed = Array.from({ length: kernel * kernel }, (_, tap) => kernel * kernel - 1 - tap);
  const [outputs = 1, inputs = 1] = dims(w);
  if (tileable(shape) && winogradPays(dims(dy), inputs)) {
    const [outputBlocks, inputBlocks] = [outputs / block, inputs / block];
    const pairs = Array.from(
      { length: inputBlocks * outputBlocks },
      (_, at) => (at % outputBlocks) * inputBlocks + Math.floor(at / outputBlocks),
    );
    const byTap = tapsOutermost(g, turned(g, w, shape), { pairs, taps: reversed, block });
    return winogradConv(g, dy, { byTap, outputs: inputs }, { block, ...extra });
  }
  const filter = tapsOf(g, w, shape)(reversed, [kernel, kernel]);
  return blockedConv(g, dy, filter, { ...forwardOf(shape, dims(dy)[1]!), ...extra });
}

/** dw by way of Winograd's products; undefined where the direct sum is quicker. */
export function winogradFilterGrad(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  shape: ConvShape,
): Value | undefined {
  const { block } = shape;
  const [inputs = 1, outputs = 1] = [dims(x)[1], dims(dy)[1]];
  if (!tileable(shape) || !winogradWeightGradPays(dims(x), outputs, block)) return undefined;
  const pairs = (outputs / block) * (inputs / block);
  // [9, O/B, I/B, B·B] → [O/B, I/B, 9, B·B]
  const order = Array.from({ length: 9 * pairs }, (_, at) => (at % 9) * pairs + Math.floor(at / 9));
  const chunks = reorder(g, winogradWeightGrad(g, { x, dy }, block), { chunk: block * block, order });
  return view(g, chunks, [outputs, inputs, 3, 3]);
}

/** dx for stride 2: one small convolution for each parity of rows and columns. */
export function convInputGradQuarters(g: GraphBuilder, dy: Value, w: Value, shape: ConvShape): Quarters {
  const take = tapsOf(g, w, shape);
  const group = shape.filter === "depthwise" ? dims(dy)[1]! : 1;
  const quarter = (down: 0 | 1, right: 0 | 1): Value | undefined => {
    const [rows, columns] = [reachOf(shape.kernel, down), reachOf(shape.kernel, right)];
    if (rows.taps.length === 0 || columns.taps.length === 0) return undefined;
    const wanted = rows.taps.flatMap((row) => columns.taps.map((column) => row * shape.kernel + column));
    const size = [rows.taps.length, columns.taps.length] as const;
    const ends = [rows.first + size[0] - 1, columns.first + size[1] - 1] as const;
    return blockedConv(g, dy, take(wanted, size), {
      kernel: size,
      pads: [-rows.first, -columns.first, ends[0], ends[1]],
      group,
    });
  };
  return [quarter(0, 0), quarter(0, 1), quarter(1, 0), quarter(1, 1)];
}

/** Four quarter planes into one plane: columns first, then rows. */
export function interleave(g: GraphBuilder, quarters: Quarters, block: number): Value {
  const some = quarters.find((quarter) => quarter !== undefined);
  if (some === undefined) throw new Error("there is nothing to interleave");
  const [n = 1, channels = 1, height = 1, width = 1] = dims(some);
  const places = ((n * channels) / block) * height;
  const zeros = (shape: readonly number[]) => g.node("Expand", [g.scalar(0), g.axes(shape)]);
  const rows = [0, 2].map((first) => {
    const pair = [quarters[first], quarters[first + 1]];
    if (pair.every((quarter) => quarter === undefined)) return zeros([places, width * 2 * block]);
    const halves = pair.map((half) =>
      half === undefined ? zeros([places * width, block]) : view(g, half, [places * width, block]),
    );
    return view(g, g.node("Concat", halves, { axis: int(1) }), [places, width * 2 * block]);
  });
  return view(g, g.node("Concat", rows, { axis: int(1) }), [n, channels, 2 * height, 2 * width]);
}
