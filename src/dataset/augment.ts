import { type Random, random } from "../base/index.ts";

/** Random changes of a slice in training. The neighbours of a slice get the same ones, but for the noise. */
export interface Augmentation {
  /** Probability of a left-right flip. */
  readonly flip: number;
  /** Rotation, uniform in ± this, degrees. */
  readonly rotateDegrees: number;
  /** Size, log-uniform in 1 / (1 + scale) … 1 + scale; 0.1 is some ±10 %. */
  readonly scale: number;
  /** Shift along each axis, uniform in ± this, pixels at the training resolution. */
  readonly shiftPixels: number;
  /** Standard deviation of white noise on each pixel, HU. */
  readonly noiseHu?: number;
  /** Standard deviation of one offset on the whole slice and its neighbours, HU. */
  readonly offsetHu?: number;
}

/**
 * Where each pixel of the result comes from: source column = a·column + b·row + c, source row = d·column + e·row + f,
 * pixel centres at whole numbers; and what is added to the values, in HU.
 */
export interface Change {
  readonly affine: readonly [a: number, b: number, c: number, d: number, e: number, f: number];
  readonly offsetHu: number;
  readonly noiseHu: number;
  /** Where in the table of noise the slice begins. */
  readonly noiseStart: number;
}

/** The change that seed, epoch and row determine; rotation, size and shift are about the centre of size × size. */
export function drawChange(
  augmentation: Augmentation,
  size: number,
  place: { readonly seed: number; readonly epoch: number; readonly row: number },
): Change {
  const source = random(place.seed, "augment", place.epoch, place.row);
  const within = (bound: number) => (2 * source.uniform() - 1) * bound;
  const mirror = source.uniform() < augmentation.flip ? -1 : 1;
  const angle = (within(augmentation.rotateDegrees) * Math.PI) / 180;
  const zoom = Math.exp(within(Math.log1p(augmentation.scale)));
  const right = within(augmentation.shiftPixels);
  const down = within(augmentation.shiftPixels);
  const offsetHu = augmentation.offsetHu === undefined ? 0 : source.normal() * augmentation.offsetHu;
  // p' = centre + shift + zoom · R(angle) · mirror · (p − centre), solved for the source p of each p'
  const centre = (size - 1) / 2;
  const cos = Math.cos(angle) / zoom;
  const sin = Math.sin(angle) / zoom;
  const [a, b, d, e] = [mirror * cos, mirror * sin, -sin, cos];
  const column = centre + right;
  const row = centre + down;
  return {
    affine: [a, b, centre - a * column - b * row, d, e, centre - d * column - e * row],
    offsetHu,
    noiseHu: augmentation.noiseHu ?? 0,
    noiseStart: source.integer(noiseLength),
  };
}

/** What a pixel beyond the slice holds: air, or the least stored value of unsigned data. */
export const beyond = { hu: -1000, stored: 0 } as const;

/** Slices to change, and where to. */
export interface Warp {
  /** [channels, size, size] */
  readonly from: Float32Array;
  /** [channels, size, size] */
  readonly to: Float32Array;
  readonly channels: number;
  readonly size: number;
  /** Value of what lies beyond the slice. */
  readonly outside: number;
}

/** Changes all channels of a slice in the same way, by bilinear interpolation. */
export function applyChange(change: Change, warp: Warp): void {
  const { from, to, channels, size } = warp;
  if (from.length !== channels * size * size || to.length !== from.length) throw new Error("slices of another size");
  const line = emptyLine(size);
  for (let row = 0; row < size; row++) {
    locateLine(change.affine, row, line);
    const { start, end } = insideOf(line, size);
    for (let channel = 0; channel < channels; channel++) {
      fillBorder(warp, line, { channel, row, start: 0, end: start });
      fillInside(warp, line, { channel, row, start, end });
      fillBorder(warp, line, { channel, row, start: end, end: size });
    }
  }
  if (change.offsetHu !== 0) for (let index = 0; index < to.length; index++) to[index]! += change.offsetHu;
  if (change.noiseHu > 0) addNoise(to, change.noiseHu, change.noiseStart);
}

/** Where the pixels of one line come from, the same for all channels: the upper left of four pixels, and the weights. */
interface Line {
  readonly left: Int32Array;
  readonly top: Int32Array;
  readonly fx: Float64Array;
  readonly fy: Float64Array;
}

function emptyLine(size: number): Line {
  return {
    left: new Int32Array(size),
    top: new Int32Array(size),
    fx: new Float64Array(size),
    fy: new Float64Array(size),
  };
}

function locateLine([a, b, c, d, e, f]: Change["affine"], row: number, { left, top, fx, fy }: Line): void {
  let x = b * row + c;
  let y = e * row + f;
  for (let column = 0; column < left.length; column++, x += a, y += d) {
    const floorX = Math.floor(x);
    const floorY = Math.floor(y);
    left[column] = floorX;
    top[column] = floorY;
    fx[column] = x - floorX;
    fy[column] = y - floorY;
  }
}

/** The columns whose four pixels all lie within the slice: since the line is straight they stand together. */
function insideOf({ left, top }: Line, size: number): { readonly start: number; readonly end: number } {
  const last = size - 1;
  const isInside = (column: number) =>
    left[column]! >= 0 && top[column]! >= 0 && left[column]! < last && top[column]! < last;
  let start = 0;
  while (start < size && !isInside(start)) start++;
  let end = size;
  while (end > start && !isInside(end - 1)) end--;
  return { start, end };
}

interface Columns {
  readonly channel: number;
  readonly row: number;
  readonly start: number;
  readonly end: number;
}

/** Columns of a line of one channel; a loop of its own so that all it reads stays in the first cache. */
function fillInside({ from, to, size }: Warp, line: Line, { channel, row, start, end }: Columns): void {
  const { left, top, fx, fy } = line;
  const base = channel * size * size;
  const target = base + row * size;
  for (let column = start; column < end; column++) {
    const at = base + top[column]! * size + left[column]!;
    const weight = fx[column]!;
    const upper = from[at]! + weight * (from[at + 1]! - from[at]!);
    const lower = from[at + size]! + weight * (from[at + size + 1]! - from[at + size]!);
    to[target + column] = upper + fy[column]! * (lower - upper);
  }
}

/** Columns of a line where some of the four pixels, or all, lie beyond the slice. */
function fillBorder(warp: Warp, line: Line, { channel, row, start, end }: Columns): void {
  const { from, to, size, outside } = warp;
  const { left, top, fx, fy } = line;
  const base = channel * size * size;
  for (let column = start; column < end; column++) {
    const x = left[column]!;
    const y = top[column]!;
    let value = outside;
    if (x >= -1 && y >= -1 && x < size && y < size) {
      const isLeft = x >= 0;
      const isRight = x + 1 < size;
      const at = base + y * size + x;
      const upperLeft = y >= 0 && isLeft ? from[at]! : outside;
      const upperRight = y >= 0 && isRight ? from[at + 1]! : outside;
      const lowerLeft = y + 1 < size && isLeft ? from[at + size]! : outside;
      const lowerRight = y + 1 < size && isRight ? from[at + size + 1]! : outside;
      const upper = upperLeft + fx[column]! * (upperRight - upperLeft);
      value = upper + fy[column]! * (lowerLeft + fx[column]! * (lowerRight - lowerLeft) - upper);
    }
    to[base + row * size + column] = value;
  }
}

/**
 * Standard normal numbers, drawn once: 50,000 new ones a slice would take longer than all else. The length is prime, so
 * that channels of any size begin at different places of it.
 */
const noiseLength = 65_521;
let noiseTable: Float32Array | undefined;

function addNoise(values: Float32Array, noiseHu: number, start: number): void {
  noiseTable ??= drawNoise(random(0, "noise table"));
  for (let index = 0, at = start; index < values.length; index++, at++) {
    if (at === noiseLength) at = 0;
    values[index]! += noiseHu * noiseTable[at]!;
  }
}

function drawNoise(source: Random): Float32Array {
  return Float32Array.from({ length: noiseLength }, () => source.normal());
}
