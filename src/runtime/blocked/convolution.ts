import { type GraphBuilder, int, type Value } from "../../onnx/index.ts";
import { type BlockedConv, blockedConv, dims, padAxis, shiftPlanes, toPlain, transpose, view } from "./operators.ts";

/** A convolution whose three passes run blocked. */
export interface ConvShape {
  /** Square kernel: 1 or 3, padded by (kernel − 1)/2. */
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  readonly block: number;
}

/** Whether there are blocked forms of a convolution, its input and its weight gradient. */
export function convFits(
  {
    x,
    w,
    strides,
    pads,
    dilations,
    group,
  }: {
    readonly x: readonly number[];
    readonly w: readonly number[];
    readonly strides: readonly number[];
    readonly pads: readonly number[];
    readonly dilations: readonly number[];
    readonly group: number;
  },
  block: number,
): ConvShape | undefined {
  const [, inputs = 0, kernel = 0, across = 0] = w;
  const [, , height = 0, width = 0] = x;
  const [stride = 0, strideAcross = 0] = strides;
  if (x.length !== 4 || group !== 1 || kernel !== across || stride !== strideAcross) return undefined;
  if (dilations.some((dilation) => dilation !== 1) || pads.some((pad) => pad !== (kernel - 1) / 2)) return undefined;
  if (inputs * 4 < block) return undefined; // more than three quarters padding costs more than it gains
  if (kernel === 1 && stride !== 1) return undefined;
  if ((kernel !== 1 && kernel !== 3) || (stride !== 1 && stride !== 2)) return undefined;
  if (stride === 2 && (height % 2 !== 0 || width % 2 !== 0)) return undefined;
  // The weight gradient takes the plane in lanes of one block.
  if (((height / stride) * (width / stride)) % block !== 0) return undefined;
  return { kernel, stride, block };
}

/** Kernel, strides and pads of the forward pass. */
export function forwardOf({ kernel, stride }: ConvShape): BlockedConv {
  const pad = (kernel - 1) / 2;
  return { kernel: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
}

/** A filter with its blocks turned for the input gradient: [O/B, I/B, k², B, B] → chunks [I/B, O/B, k², B·B]. */
function turned(g: GraphBuilder, w: Value, { kernel, block }: ConvShape): Value {
  const [outputs = 1, inputs = 1] = dims(w);
  const chunks = (outputs / block) * (inputs / block) * kernel * kernel;
  // Seen as blocked planes of B places, leaving the layout exchanges the two B axes of every chunk.
  const swapped = toPlain(g, view(g, w, [1, chunks * block, block, 1]), chunks * block);
  return transpose(
    g,
    view(g, swapped, [outputs / block, inputs / block, kernel * kernel, block * block]),
    [1, 0, 2, 3],
  );
}

/** dx = dy ⋆ w turned by 180° with its channels exchanged; with stride 2 one small convolution for each parity. */
export function convInputGrad(g: GraphBuilder, dy: Value, w: Value, shape: ConvShape): Value {
  const [outputs = 1, inputs = 1] = dims(w);
  const { kernel, stride } = shape;
  const chunks = turned(g, w, shape);
  const taps = (wanted: readonly number[], size: readonly [number, number]) =>
    view(g, g.node("Gather", [chunks, g.axes(wanted)], { axis: int(2) }), [inputs, outputs, ...size]);
  if (kernel === 1) return blockedConv(g, dy, view(g, chunks, [inputs, outputs, 1, 1]), { kernel: [1, 1] });
  if (stride === 1) {
    return blockedConv(g, dy, taps([8, 7, 6, 5, 4, 3, 2, 1, 0], [3, 3]), { kernel: [3, 3], pads: [1, 1, 1, 1] });
  }
  // x[2a] meets tap 1 at y = a; x[2a + 1] meets tap 2 at y = a and tap 0 at y = a + 1: pads at the end only.
  const along = [[1], [2, 0]];
  const parities = [0, 1].flatMap((down) =>
    [0, 1].map((right) => {
      const wanted = along[down]!.flatMap((row) => along[right]!.map((column) => row * 3 + column));
      const size = [down + 1, right + 1] as const;
      return blockedConv(g, dy, taps(wanted, size), { kernel: size, pads: [0, 0, down, right] });
    }),
  );
  return interleave(g, parities, shape.block);
}

/** Four quarter planes (even/even, even/odd, odd/even, odd/odd) into one: columns first, then rows. */
function interleave(g: GraphBuilder, parities: readonly Value[], block: number): Value {
  const [n = 1, channels = 1, height = 1, width = 1] = dims(parities[0]!);
  const places = ((n * channels) / block) * height;
  const rows = [0, 2].map((first) => {
    const pair = [parities[first]!, parities[first + 1]!].map((part) => view(g, part, [places * width, block]));
    return view(g, g.node("Concat", pair, { axis: int(1) }), [places, width * 2 * block]);
  });
  return view(g, g.node("Concat", rows, { axis: int(1) }), [n, channels, 2 * height, 2 * width]);
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
  if (shape.kernel === 1) return wholePlane(sum, x, [filter], [outputs, inputs, 1, 1]);
  if (columns % shape.block === 0) return byRows(sum, filter);
  return byTaps(sum, filter);
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

/** Planes whose width is whole blocks: one convolution for each kernel column, all kernel rows in one. */
function byRows(sum: Sum, filter: Value): Value {
  const { g, x, groups, inGroup, outputs, inputs, channels, rows, columns, block, stride } = sum;
  const [n = 1, , height = 1] = dims(x);
  const blocks = columns / block;
  // With one block of channels each row of memory is a blocked picture of its own: leaving the layout row by row gives
  // [N, H, C, W] without a transpose, and without the channels that are padding.
  const seen = inputs === block ? channels : inputs;
  const image = (planes: Value) => {
    const width = dims(planes)[3]!;
    const turnedRows =
      inputs === block
        ? toPlain(g, view(g, planes, [n * height, block, 1, width]), seen)
        : transpose(g, toPlain(g, planes, inputs), [0, 2, 1, 3]);
    return view(g, turnedRows, [1, groups * inGroup * block, height, seen * blocks]);
  };
  const slide = (from: Value, by: Value) =>
    blockedConv(g, from, view(g, by, [groups * outputs, inGroup * block, rows, blocks]), {
      kernel: [rows, blocks],
      strides: [1, blocks],
      pads: [1, 0, stride === 1 ? 1 : 0, 0],
      dilations: [stride, 1],
      group: groups,
    });
  let kernelColumns: Value[];
  if (stride === 1) {
    const plain = image(x);
    kernelColumns = [1, 0, -1].map((right) => slide(plain, moved(sum, filter, [0, right])));
  } else {
    // Column 2x + j − 1 of x: even columns for j = 1, odd ones for j = 2, odd ones one further left for j = 0.
    const thin = (right: number) => image(shiftPlanes(g, x, { shift: { down: 0, right, strides: [1, 2] }, block }));
    const [even, odd] = [thin(0), thin(1)];
    kernelColumns = [slide(odd, moved(sum, filter, [0, 1])), slide(even, filter), slide(odd, filter)];
  }
  const length = outputs * 3 * seen;
  const stacked = kernelColumns.map((y) => view(g, overGroups(sum, y, length), [outputs / block, 3, 1, seen * block]));
  const all = view(g, g.node("Concat", stacked, { axis: int(2) }), [outputs / block, 9, seen, block]);
  const whole = seen === inputs ? all : padAxis(g, all, { axis: 2, length: inputs });
  const chunks = view(g, whole, [outputs / block, 9, inputs / block, block * block]);
  return view(g, transpose(g, chunks, [0, 2, 1, 3]), [outputs, inputs, 3, 3]);
}

/** Small planes: the whole plane is one dot product, and the shifted copies of dy are so many filters. */
function byTaps(sum: Sum, filter: Value): Value {
  const { g, x, outputs, inputs, block, stride } = sum;
  const shape = [outputs, inputs, 3, 3] as const;
  const taps = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => [row, column] as const));
  if (stride === 1) {
    return wholePlane(
      sum,
      x,
      taps.map(([row, column]) => moved(sum, filter, [1 - row, 1 - column])),
      shape,
    );
  }
  // A tap of an even row or column (1) meets the even places, 0 and 2 meet the odd ones, 0 one further back.
  const order: number[] = [];
  const parts = [0, 1].flatMap((down) =>
    [0, 1].map((right) => {
      const mine = taps.filter(([row, column]) => (row === 1 ? 0 : 1) === down && (column === 1 ? 0 : 1) === right);
      order.push(...mine.map(([row, column]) => row * 3 + column));
      const filters = mine.map(([row, column]) => moved(sum, filter, [row === 0 ? 1 : 0, column === 0 ? 1 : 0]));
      const thin = shiftPlanes(g, x, { shift: { down, right, strides: [2, 2] }, block });
      return dotPlanes(sum, thin, filters);
    }),
  );
  const all = transpose(g, g.node("Concat", parts, { axis: int(0) }), [1, 2, 0, 3]); // [O/B, I/B, taps, B·B]
  const sorted = g.node("Gather", [all, g.axes(taps.map((_, tap) => order.indexOf(tap)))], { axis: int(2) });
  return view(g, sorted, shape);
}

function wholePlane(sum: Sum, x: Value, filters: readonly Value[], shape: readonly number[]): Value {
  const { g } = sum;
  return view(g, transpose(g, dotPlanes(sum, x, filters), [1, 2, 0, 3]), shape);
}

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
