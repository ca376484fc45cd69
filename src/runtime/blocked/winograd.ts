import { shaped } from "../../base/index.ts";
import { type GraphBuilder, int, intOf, type Node, type Value } from "../../onnx/index.ts";
import { type BlockedConv, blockedConv, channelAffine, dims, eachBlock, ones, toPlain, view } from "./operators.ts";

/**
 * Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray 2016): a tile of 4×4 places of the output takes 36 products a
 * pair of channels instead of 144. Input tiles of 6×6 and filters go to 36 "frequencies" each by a product with a
 * constant matrix, all channels are contracted frequency by frequency, and a third matrix leads back.
 */
const tile = 4;
const taps = 3;
const side = tile + taps - 1;
const frequencies = side * side;

/**
 * Where the polynomials behind it are evaluated, besides infinity. The usual 0, ±1, ±2 cost half a digit; with these the
 * error is 1.7 times that of the direct sum, measured on 128 channels.
 */
const points = [0, 5 / 8, -5 / 8, 11 / 8, -11 / 8];

type Matrix = readonly (readonly number[])[];

/** Coefficients of Π (x − root), the lowest first. */
function polynomial(roots: readonly number[]): number[] {
  let product = [1];
  for (const root of roots) product = [0, ...product].map((higher, power) => higher - root * (product[power] ?? 0));
  return product;
}

const transposed = (matrix: Matrix): Matrix => matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));

/**
 * The matrices of one axis (Toom and Cook): y = back·((filter·w) ∘ (input·x)), ∘ number by number; hence
 * dw = filterᵀ·((backᵀ·dy) ∘ (input·x)).
 */
function matrices(): Readonly<Record<"input" | "filter" | "back" | "filterT" | "backT", Matrix>> {
  const powers = (point: number, length: number) => Array.from({ length }, (_, power) => point ** power);
  const atInfinity = (length: number) => Array.from({ length }, (_, power) => (power === length - 1 ? 1 : 0));
  const others = points.map((point) => points.filter((other) => other !== point));
  const divisors = points.map((point, at) => others[at]!.reduce((product, other) => product * (point - other), 1));
  const columns = [...points.map((point) => powers(point, tile)), atInfinity(tile)];
  const filter = [...points.map((point, at) => powers(point, taps).map((p) => p / divisors[at]!)), atInfinity(taps)];
  return {
    input: [...others.map((roots) => [...polynomial(roots), 0]), polynomial(points)],
    filter,
    back: transposed(columns),
    filterT: transposed(filter),
    backT: columns,
  };
}

const axis = matrices();

/** A matrix for rows and columns at once: its Kronecker product with itself. */
const both = (g: GraphBuilder, matrix: keyof typeof axis): Value =>
  once(g, matrix, () => {
    const rows = axis[matrix];
    const products = rows.flatMap((row) => rows.map((column) => row.flatMap((a) => column.map((b) => a * b))));
    return g.constant(shaped(Float32Array.from(products.flat()), [products.length, products[0]!.length]));
  });

/** How many tiles cover a plane, down and across. */
const tilesOf = ([, , height = 1, width = 1]: readonly number[]) =>
  [Math.ceil(height / tile), Math.ceil(width / tile)] as const;

/** Of a pair of channels: to bring a filter there for a sum, and a weight gradient back, from memory far apart. */
const filterCost = { sum: 800, "weight gradient": 2200 } as const;

/** Of the nodes, which take so long however little there is to do. */
const startCost = 40e6;

/**
 * Whether it is quicker than the direct sum for x [N, C, H, W] and `outputs` channels. In multiplications of the direct
 * sum, measured on two threads: what a number of x and one of y take to go there and back, a pair of channels for its
 * filter, and what the nodes take to start. A gain of less than a tenth is left: it would be memory's at any other time.
 */
export function winogradPays(x: readonly number[], outputs: number, what: keyof typeof filterCost = "sum"): boolean {
  const [n = 1, channels = 1, height = 1, width = 1] = x;
  const [down, across] = tilesOf(x);
  const places = n * down * across * tile * tile;
  const pairs = channels * outputs;
  const direct = taps * taps * pairs * n * height * width;
  const products = 1.15 * (frequencies / (tile * tile)) * pairs * places;
  return products + (240 * channels + 145 * outputs) * places + filterCost[what] * pairs + startCost < 0.9 * direct;
}

/** A 3×3 filter whose taps lie outermost, as [9, O/B, I/B, B of I, B of O]. */
export interface Filter {
  readonly byTap: Value;
  readonly outputs: number;
}

/** y = activation(x ⋆ w + bias + sum) with x blocked and padded by one. */
export function winogradConv(
  g: GraphBuilder,
  x: Value,
  { byTap, outputs }: Filter,
  { block, ...extra }: { readonly block: number } & Pick<BlockedConv, "bias" | "sum" | "activation">,
): Value {
  const [n = 1, channels = 1] = dims(x);
  const [down, across] = tilesOf(dims(x));
  const tiles = n * down * across;
  const filters = g.node("MatMul", [both(g, "filter"), view(g, byTap, [taps * taps, outputs * channels])]);
  const places = g.node("MatMul", [both(g, "input"), tiled(g, x, { size: side, block })]);
  const products = blockedConv(
    g,
    view(g, places, [1, frequencies * channels, 1, tiles]),
    view(g, filters, [frequencies * outputs, channels, 1, 1]),
    { kernel: [1, 1], group: frequencies },
  );
  const back = g.node("MatMul", [both(g, "back"), view(g, products, [frequencies, outputs * tiles])]);
  const y = planes(g, back, { like: dims(x), outputs, block });
  if (Object.values(extra).every((part) => part === undefined)) return y;
  const { bias, ...rest } = extra;
  return channelAffine(g, y, { scale: g.constant(ones(outputs)), shift: bias, ...rest });
}

/** Whether a blocked convolution is the one in the middle of these products: no other has so many groups of channels. */
export const isWinograd = ({ attributes }: Node): boolean => intOf(attributes, "group", 1) === frequencies;

/**
 * dw for `winogradConv`: [9, O/B, I/B, B of I, B of O]. Frequency by frequency, dy in its natural memory is a filter whose
 * input channels are tiles; x, with its tiles as lanes, is the picture that it slides over, channel by channel.
 */
export function winogradWeightGrad(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  block: number,
): Value {
  const [[n = 1, inputs = 1], [, outputs = 1]] = [dims(x), dims(dy)];
  const [down, across] = tilesOf(dims(x));
  const tiles = n * down * across;
  const blocks = tiles / block;
  const seen = g.node("MatMul", [both(g, "input"), tiled(g, x, { size: side, block })]);
  const picture = toPlain(g, view(g, seen, [frequencies, inputs, 1, tiles]), inputs);
  const slid = g.node("MatMul", [both(g, "backT"), tiled(g, dy, { size: tile, block })]);
  const products = blockedConv(
    g,
    view(g, picture, [1, frequencies * block, 1, inputs * blocks]),
    view(g, slid, [frequencies * outputs, block, 1, blocks]),
    { kernel: [1, blocks], strides: [1, blocks], group: frequencies },
  );
  return g.node("MatMul", [both(g, "filterT"), view(g, products, [frequencies, outputs * inputs])]);
}

/** Whether `winogradWeightGrad` is quicker than the direct sum, and its tiles fill whole blocks. */
export function winogradWeightGradPays(x: readonly number[], outputs: number, block: number): boolean {
  const [down, across] = tilesOf(x);
  return ((x[0] ?? 1) * down * across) % block === 0 && winogradPays(x, outputs, "weight gradient");
}

/** The places of every tile, 6×6 (with a border of one around) or 4×4: [places, C/B · N · tiles · B]. */
function tiled(
  g: GraphBuilder,
  x: Value,
  { size, block }: { readonly size: typeof side | typeof tile; readonly block: number },
): Value {
  const [n = 1, channels = 1, height = 1, width = 1] = dims(x);
  const [down, across] = tilesOf(dims(x));
  const pad = (size - tile) / 2;
  const [rows, columns] = [down * tile + 2 * pad, across * tile + 2 * pad];
  const pads = [pad, pad, rows - pad - height, columns - pad - width] as const;
  const padded = pads.some((length) => length > 0) ? eachBlock(g, x, { taps: [1], block, kernel: [1, 1], pads }) : x;
  const blocks = channels / block;
  const order = once(g, `tiles of ${size}: ${dims(x)}`, () => {
    const from = new Int32Array(size * size * blocks * n * down * across);
    let to = 0;
    for (let place = 0; place < size * size; place++) {
      for (let plane = 0; plane < blocks * n; plane++) {
        const top = ((plane % n) * blocks + Math.floor(plane / n)) * rows;
        for (let at = 0; at < down * across; at++) {
          const row = top + Math.floor(at / across) * tile + Math.floor(place / size);
          from[to++] = row * columns + (at % across) * tile + (place % size);
        }
      }
    }
    return g.constant(shaped(from, [from.length]));
  });
  const places = g.node("Gather", [view(g, padded, [n * blocks * rows * columns, block]), order], { axis: int(0) });
  return view(g, places, [size * size, channels * n * down * across]);
}

/** [16 places of a tile, O/B, N, tiles, B] → [N, O, H, W] blocked. */
function planes(
  g: GraphBuilder,
  y: Value,
  { like, outputs, block }: { readonly like: readonly number[]; readonly outputs: number; readonly block: number },
): Value {
  const [n = 1, , height = 1, width = 1] = like;
  const [down, across] = tilesOf(like);
  const blocks = outputs / block;
  const order = once(g, `planes ${[n, outputs, height, width]}`, () => {
    const from = new Int32Array(n * blocks * height * width);
    let to = 0;
    for (let plane = 0; plane < n * blocks; plane++) {
      const turned = (plane % blocks) * n + Math.floor(plane / blocks);
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const place = (row % tile) * tile + (column % tile);
          const at = Math.floor(row / tile) * across + Math.floor(column / tile);
          from[to++] = (place * blocks * n + turned) * down * across + at;
        }
      }
    }
    return g.constant(shaped(from, [from.length]));
  });
  const chunks = view(g, y, [tile * tile * blocks * n * down * across, block]);
  return view(g, g.node("Gather", [chunks, order], { axis: int(0) }), [n, outputs, height, width]);
}

/** A constant that all convolutions of a shape share. */
function once(g: GraphBuilder, key: string, make: () => Value): Value {
  const known = shared.get(g) ?? new Map<string, Value>();
  shared.set(g, known);
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

const shared = new WeakMap<GraphBuilder, Map<string, Value>>();
