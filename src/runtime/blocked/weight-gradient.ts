import { shaped, sizeOf } from "../../base/index.ts";
import { type GraphBuilder, int, type Value } from "../../onnx/index.ts";
import type { ConvShape } from "./convolution.ts";
import {
  type BlockedConv,
  blockedConv,
  dims,
  exchanged,
  padAxis,
  reorder,
  shiftPlanes,
  toPlain,
  view,
} from "./operators.ts";

/** Σ over batch and plane of dy·x for each tap of a depthwise filter: a depthwise convolution of x by dy. */
export function depthwiseWeightGrad(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  { kernel, stride }: ConvShape,
): Value {
  const [n = 1, channels = 1, height = 1, width = 1] = dims(x);
  const [, , rows = 1, columns = 1] = dims(dy);
  const pad = (kernel - 1) / 2;
  const end = stride === 1 ? pad : pad - 1;
  // Each sample's channels are channels of their own: summed over samples afterwards.
  const sums = blockedConv(
    g,
    view(g, x, [1, n * channels, height, width]),
    view(g, dy, [n * channels, 1, rows, columns]),
    {
      kernel: [rows, columns],
      dilations: [stride, stride],
      pads: [pad, pad, end, end],
      group: n * channels,
    },
  );
  const length = channels * kernel * kernel;
  return view(g, g.node("ReduceSum", [view(g, sums, [n, length]), g.axes([0])], { keepdims: int(0) }), [
    channels,
    1,
    kernel,
    kernel,
  ]);
}

/** How many groups the batch is summed in: small filters gain from many, large ones lose by the sum at the end. */
function groupsOf(n: number, [outputs = 1, inputs = 1]: readonly number[], kernel: number): number {
  const bytes = n * outputs * inputs * kernel * kernel * 4;
  if (bytes < 1.5e6) return n;
  return outputs <= 64 && n % 2 === 0 ? 2 : 1;
}

/**
 * dw[o,c,i,j] = Σ dy[o,y,x]·x[c, s·y+i−p, s·x+j−p] as blocked convolutions in which dy, in its natural memory, is the
 * filter: [O/B | rows | columns/B | B columns | B of O] is a filter with B input channels, the columns of one block.
 * x, row by row with its columns as lanes, is the image; sliding over it gives all rows i of the kernel at once.
 * @param operands `channels`: how many of x's channels are no padding
 */
export function convWeightGrad(
  g: GraphBuilder,
  { x, dy, channels }: { readonly x: Value; readonly dy: Value; readonly channels: number },
  shape: ConvShape,
): Value {
  const [n = 1, outputs = 1, rows = 1, columns = 1] = dims(dy);
  const inputs = dims(x)[1]!;
  const groups = groupsOf(n, [outputs, inputs], shape.kernel);
  const sum: Sum = { g, x, groups, inGroup: n / groups, outputs, inputs, channels, rows, columns, ...shape };
  const filter = groups === n ? dy : byGroup(sum, dy);
  return shape.kernel > 1 && columns % shape.block === 0 ? byRows(sum, filter) : byTaps(sum, filter);
}

interface Sum extends ConvShape {
  readonly g: GraphBuilder;
  readonly x: Value;
  readonly groups: number;
  /** Samples in a group. */
  readonly inGroup: number;
  readonly outputs: number;
  readonly inputs: number;
  /** Input channels that are no padding. */
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

/** dy with the samples of a group behind the channel blocks, so that they are more input channels of one filter. */
function byGroup({ g, groups, inGroup, outputs, rows, columns, block }: Sum, dy: Value): Value {
  const order = exchanged(inGroup, outputs / block);
  return reorder(g, dy, { parts: groups, chunk: rows * columns * block, order });
}

/** The filter operand moved by some columns and rows (zero outside). */
function moved(
  { g, groups, inGroup, outputs, rows, columns, block }: Sum,
  filter: Value,
  [down, right]: readonly [number, number],
): Value {
  const planes = view(g, filter, [groups * inGroup, outputs, rows, columns]);
  return shiftPlanes(g, planes, { shift: { down, right }, block });
}

/** Σ over groups of [groups, …] values. */
function overGroups({ g, groups }: Sum, y: Value, length: number): Value {
  if (groups === 1) return view(g, y, [length]);
  return g.node("ReduceSum", [view(g, y, [groups, length]), g.axes([0])], { keepdims: int(0) });
}

/** Where tap `tap` reads x: the parity of the place, and how many steps of the stride further. */
function stepOf(tap: number, { kernel, stride }: ConvShape): { readonly parity: number; readonly steps: number } {
  const offset = tap - (kernel - 1) / 2;
  const parity = stride === 1 ? 0 : Math.abs(offset % 2);
  return { parity, steps: (offset - parity) / stride };
}

/**
 * The weight gradient of a plain image's convolution: as `byRows`, but the columns that the taps of a kernel row meet
 * are laid side by side from the image, which has fewer channels than dy. Answers the layout of `image` filters.
 * @param operands x plain [N, I, H, W], dy blocked
 */
export function imageWeightGrad(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  shape: ConvShape,
): Value {
  const { kernel, stride, block } = shape;
  const [n = 1, inputs = 1, height = 1, width = 1] = dims(x);
  const [, outputs = 1, rows = 1, columns = 1] = dims(dy);
  const sum: Sum = { g, x, groups: n, inGroup: 1, outputs, inputs, channels: inputs, rows, columns, ...shape };
  const blocks = columns / block;
  const byRow = reorder(g, x, { parts: n, chunk: width, order: exchanged(inputs, height) });
  const lines = view(g, byRow, [n * height * inputs, 1, 1, width]);
  // Taps a stride apart meet the same columns, a lane further.
  const offsets = Array.from({ length: stride }, (_, offset) => offset);
  const tapsAt = (offset: number) => Math.ceil((kernel - offset) / stride);
  const parts = offsets.map((offset) => {
    const taps = tapsAt(offset);
    const image = view(g, tapColumns(sum, lines, { offset, taps }), [1, n * block, height, inputs * taps * blocks]);
    const y = slide(sum, { image, filter: dy }, { strides: [1, blocks] });
    return view(g, y, [outputs / block, kernel, inputs, taps, block]);
  });
  const all = parts.length === 1 ? parts[0]! : g.node("Concat", parts, { axis: int(3) });
  // [O/B, kernel rows, I, kernel columns by offset, B] → [O/B, I, kernel rows, kernel columns, B]
  const sorted = offsets.flatMap((offset) => Array.from({ length: tapsAt(offset) }, (_, at) => offset + at * stride));
  const order = Array.from({ length: inputs * kernel * kernel }, (_, at) => {
    const [input, row, column] = [Math.floor(at / kernel ** 2), Math.floor(at / kernel) % kernel, at % kernel];
    return (row * inputs + input) * kernel + sorted.indexOf(column);
  });
  return view(g, reorder(g, all, { parts: outputs / block, chunk: block, order }), [outputs, inputs, kernel, kernel]);
}

/**
 * The columns of each line that taps offset, offset + stride, … of a kernel row meet, as lanes:
 * [lines, taps, columns/B, B] from plain lines [lines, 1, 1, W]. A convolution with a one-hot filter, whose outputs are
 * the lanes.
 */
function tapColumns(
  { g, block, kernel, stride }: Sum,
  lines: Value,
  { offset, taps }: { readonly offset: number; readonly taps: number },
): Value {
  const reach = block + taps - 1;
  const hot = new Float32Array(taps * reach * block);
  for (let tap = 0; tap < taps; tap++)
    for (let lane = 0; lane < block; lane++) hot[(tap * reach + tap + lane) * block + lane] = 1;
  const left = (kernel - 1) / 2 - offset;
  return blockedConv(g, lines, g.constant(shaped(hot, [taps * block, 1, 1, reach])), {
    kernel: [1, reach],
    strides: [1, stride * block],
    dilations: [1, stride],
    pads: [0, left, 0, Math.max(0, (taps - 2) * stride + 1 - left)],
  });
}

/** Whether `imageWeightGrad` covers planes of x: whole blocks of columns, and a kernel that meets every row. */
export const imageWeightGradFits = (
  [, , height = 0, width = 0]: readonly number[],
  { kernel, stride, block }: ConvShape,
): boolean => kernel >= stride && width % (stride * block) === 0 && height % stride === 0;

/** Planes whose width is whole blocks: one convolution for each kernel column, all kernel rows in one. */
function byRows(sum: Sum, filter: Value): Value {
  const { g, x, outputs, inputs, channels, block, stride, kernel } = sum;
  // With one block of channels those that are padding can be left out.
  const seen = inputs === block ? channels : inputs;
  const images = [0, 1].map((parity) =>
    lazily(() => {
      const shift = { down: 0, right: parity, strides: [1, 2] } as const;
      return columnsAsLanes({ ...sum, channels: seen }, stride === 1 ? x : shiftPlanes(g, x, { shift, block }));
    }),
  );
  const kernelColumns = Array.from({ length: kernel }, (_, column) => {
    const { parity, steps } = stepOf(column, sum);
    const operands = { image: images[parity]!(), filter: moved(sum, filter, [0, -steps]) };
    const y = slide(sum, operands, { dilations: [1, seen] });
    return view(g, y, [outputs / block, kernel, 1, seen * block]);
  });
  const stacked = view(g, g.node("Concat", kernelColumns, { axis: int(2) }), [
    outputs / block,
    kernel ** 2,
    seen,
    block,
  ]);
  const whole = seen === inputs ? stacked : padAxis(g, stacked, { axis: 2, length: inputs });
  // [O/B, taps, I/B, B·B] → [O/B, I/B, taps, B·B]
  const order = exchanged(kernel ** 2, inputs / block);
  const sorted = reorder(g, whole, { parts: outputs / block, chunk: block ** 2, order });
  return view(g, sorted, [outputs, inputs, kernel, kernel]);
}

/** Blocked x [N, C, H, W] as the image of `slide`: [N, H, W/B, C, B], its columns as lanes, cut to `channels`. */
function columnsAsLanes({ g, inputs, channels, block, groups, inGroup }: Sum, x: Value): Value {
  const [n = 1, , height = 1, width = 1] = dims(x);
  const [inputBlocks, places] = [inputs / block, (height * width) / block];
  // Seen as planes of B places, leaving the layout exchanges columns and channels of every chunk.
  const turned = toPlain(g, view(g, x, [n * inputBlocks * places, block, 1, block]), Math.min(block, channels));
  const ready =
    inputBlocks === 1
      ? turned
      : reorder(g, turned, { parts: n, chunk: block ** 2, order: exchanged(inputBlocks, places) });
  return view(g, ready, [1, groups * inGroup * block, height, (channels * width) / block]);
}

/**
 * Slides dy over the rows of an image: [O/B, kernel rows, positions, B], summed over samples.
 * @param how how far apart the columns' blocks (`dilations`) or the positions (`strides`) of the image lie
 */
function slide(
  sum: Sum,
  { image, filter }: { readonly image: Value; readonly filter: Value },
  { strides = [1, 1], dilations = [1, 1] }: Pick<BlockedConv, "strides" | "dilations">,
): Value {
  const { g, groups, inGroup, outputs, rows, columns, block, stride, kernel } = sum;
  const blocks = columns / block;
  const pad = (kernel - 1) / 2;
  const y = blockedConv(g, image, view(g, filter, [groups * outputs, inGroup * block, rows, blocks]), {
    kernel: [rows, blocks],
    strides,
    dilations: [stride, dilations[1]],
    pads: [pad, 0, stride === 1 ? pad : pad - 1, 0],
    group: groups,
  });
  return overGroups(sum, y, sizeOf(dims(y)) / groups);
}

/** Small planes: the whole plane is one dot product, and the shifted copies of dy are so many filters. */
function byTaps(sum: Sum, filter: Value): Value {
  const { g, x, outputs, inputs, block, stride, kernel } = sum;
  const taps = Array.from({ length: kernel * kernel }, (_, tap) => tap);
  const steps = (tap: number) => [stepOf(Math.floor(tap / kernel), sum), stepOf(tap % kernel, sum)] as const;
  const order: number[] = [];
  const parts = (stride === 1 ? [0] : [0, 1]).flatMap((down) =>
    (stride === 1 ? [0] : [0, 1]).flatMap((right) => {
      const mine = taps.filter((tap) => steps(tap)[0].parity === down && steps(tap)[1].parity === right);
      if (mine.length === 0) return [];
      order.push(...mine);
      const filters = mine.map((tap) => moved(sum, filter, [-steps(tap)[0].steps, -steps(tap)[1].steps]));
      const thin = stride === 1 ? x : shiftPlanes(g, x, { shift: { down, right, strides: [2, 2] }, block });
      return [dotPlanes(sum, thin, filters)];
    }),
  );
  const stacked = parts.length === 1 ? parts[0]! : g.node("Concat", parts, { axis: int(0) });
  const blocks = (outputs / block) * (inputs / block);
  // [taps, O/B, I/B, B·B] → [O/B, I/B, taps in their own order, B·B]
  const sorted = Array.from({ length: blocks }, (_, at) => taps.map((tap) => order.indexOf(tap) * blocks + at)).flat();
  return view(g, reorder(g, stacked, { chunk: block * block, order: sorted }), [outputs, inputs, kernel, kernel]);
}

const lazily = (make: () => Value): (() => Value) => {
  let made: Value | undefined;
  return () => (made ??= make());
};

/** Dot products of planes: x [N, C, h, w] with each of the filters → [filters, O/B, C/B, B·B], summed over samples. */
function dotPlanes(sum: Sum, x: Value, filters: readonly Value[]): Value {
  const { g, groups, inGroup, outputs, inputs, rows, columns, block } = sum;
  const blocks = (rows * columns) / block;
  const chunk = block * block;
  const image = view(g, toPlain(g, x, inputs), [1, groups * inGroup * block, 1, inputs * blocks]);
  /** With so many filters as one. */
  const dot = (stacked: Value, many: number): Value => {
    const by = view(g, stacked, [groups * many * outputs, inGroup * block, 1, blocks]);
    const y = blockedConv(g, image, by, { kernel: [1, blocks], strides: [1, blocks], group: groups });
    return view(g, overGroups(sum, y, many * outputs * inputs), [many, outputs / block, inputs / block, chunk]);
  };
  if (filters.length === 1) return dot(filters[0]!, 1);
  // One after the other where what comes out is less to put together than the filters are; a Concat runs on one thread.
  if (groups === 1 && inputs < inGroup * rows * columns)
    return g.node(
      "Concat",
      filters.map((filter) => dot(filter, 1)),
      { axis: int(0) },
    );
  const flat = filters.map((filter) => view(g, filter, [groups, outputs / block, inGroup * blocks * chunk]));
  return dot(g.node("Concat", flat, { axis: int(1) }), filters.length);
}
