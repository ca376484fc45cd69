import { type GraphBuilder, int, type Value } from "../../onnx/index.ts";
import type { ConvShape } from "./convolution.ts";
import { blockedConv, dims, padAxis, reorder, shiftPlanes, toPlain, transpose, view } from "./operators.ts";

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
  const plane = rows * columns * block;
  return transpose(g, view(g, dy, [groups, inGroup, outputs / block, plane]), [0, 2, 1, 3]);
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
 * The weight gradient of a plain image's convolution: as `byRows`, with the image's columns taken apart by parity and
 * its rows put in front of its channels by one transpose. Answers the layout of `image` filters.
 * @param operands x plain [N, I, H, W], dy blocked
 */
export function imageWeightGrad(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  shape: ConvShape,
): Value {
  const { kernel, stride, block } = shape;
  const [n = 1, inputs = 1, height = 1] = dims(x);
  const [, outputs = 1, rows = 1, columns = 1] = dims(dy);
  const sum: Sum = { g, x, groups: n, inGroup: 1, outputs, inputs, channels: inputs, rows, columns, ...shape };
  const seen = [1, n * block, height, (inputs * columns) / block];
  const apart = view(g, x, [n, inputs, height, columns, stride]);
  const halves = stride === 1 ? [x] : g.nodes("Split", [apart, g.axes([1, 1])], { axis: int(4) });
  // Seen without the axis of length 1 a row is one piece of memory: else the transpose goes number by number.
  const images = halves.map(
    (half) => () => view(g, transpose(g, view(g, half, [n, inputs, height, columns]), [0, 2, 1, 3]), seen),
  );
  return view(g, transpose(g, slideRows(sum, { images, filter: dy }), [0, 2, 1, 3]), [outputs, inputs, kernel, kernel]);
}

/** Whether `imageWeightGrad` covers planes of x: whole blocks of columns, taken apart without a rest. */
export const imageWeightGradFits = (
  [, , height = 0, width = 0]: readonly number[],
  { stride, block }: ConvShape,
): boolean => width % (stride * block) === 0 && height % stride === 0;

/** Planes whose width is whole blocks: one convolution for each kernel column, all kernel rows in one. */
function byRows(sum: Sum, filter: Value): Value {
  const { g, x, groups, inGroup, outputs, inputs, channels, columns, block, stride, kernel } = sum;
  const [n = 1, , height = 1] = dims(x);
  const blocks = columns / block;
  // With one block of channels each row of memory is a blocked picture of its own: leaving the layout row by row gives
  // [N, H, C, W] without a transpose, and without the channels that are padding.
  const seen = inputs === block ? channels : inputs;
  const images = [0, 1].map((parity) =>
    lazily(() => {
      const planes =
        stride === 1 ? x : shiftPlanes(g, x, { shift: { down: 0, right: parity, strides: [1, 2] }, block });
      const width = dims(planes)[3]!;
      const turnedRows =
        inputs === block
          ? toPlain(g, view(g, planes, [n * height, block, 1, width]), seen)
          : transpose(g, toPlain(g, planes, inputs), [0, 2, 1, 3]);
      return view(g, turnedRows, [1, groups * inGroup * block, height, seen * blocks]);
    }),
  );
  const taps = kernel * kernel;
  const all = slideRows({ ...sum, channels: seen }, { images, filter });
  const whole = seen === inputs ? all : padAxis(g, all, { axis: 2, length: inputs });
  // [O/B, taps, I/B, B·B] → [O/B, I/B, taps, B·B]
  const inputBlocks = inputs / block;
  const order = Array.from({ length: (outputs / block) * inputBlocks }, (_, at) => {
    const [o, i] = [Math.floor(at / inputBlocks), at % inputBlocks];
    return Array.from({ length: taps }, (_tap, tap) => (o * taps + tap) * inputBlocks + i);
  }).flat();
  return view(g, reorder(g, whole, { chunk: block * block, order }), [outputs, inputs, kernel, kernel]);
}

/** Slides dy over the rows of x: [O/B, k², channels, B], from the images of even and odd columns. */
function slideRows(
  sum: Sum,
  { images, filter }: { readonly images: readonly (() => Value)[]; readonly filter: Value },
): Value {
  const { g, groups, inGroup, outputs, channels, rows, columns, block, stride, kernel } = sum;
  const blocks = columns / block;
  const pad = (kernel - 1) / 2;
  const kernelColumns = Array.from({ length: kernel }, (_, column) => {
    const { parity, steps } = stepOf(column, sum);
    const by = view(g, moved(sum, filter, [0, -steps]), [groups * outputs, inGroup * block, rows, blocks]);
    return blockedConv(g, images[parity]!(), by, {
      kernel: [rows, blocks],
      strides: [1, blocks],
      pads: [pad, 0, stride === 1 ? pad : pad - 1, 0],
      dilations: [stride, 1],
      group: groups,
    });
  });
  const length = outputs * kernel * channels;
  const stacked = kernelColumns.map((y) =>
    view(g, overGroups(sum, y, length), [outputs / block, kernel, 1, channels * block]),
  );
  const all = g.node("Concat", stacked, { axis: int(2) });
  return view(g, all, [outputs / block, kernel * kernel, channels, block]);
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
  const flat = filters.map((filter) => view(g, filter, [groups, outputs / block, inGroup * blocks * chunk]));
  const stacked = flat.length === 1 ? flat[0]! : g.node("Concat", flat, { axis: int(1) });
  const count = filters.length * outputs;
  const y = blockedConv(g, image, view(g, stacked, [groups * count, inGroup * block, 1, blocks]), {
    kernel: [1, blocks],
    strides: [1, blocks],
    group: groups,
  });
  return view(g, overGroups(sum, y, count * inputs), [filters.length, outputs / block, inputs / block, chunk]);
}
