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
export function applyChange({ affine, offsetHu, noiseHu, noiseStart }: Change, warp: Warp): void {
  const { from, to, channels, size } = warp;
  const plane = size * size;
  if (from.length !== channels * plane || to.length !== from.length) throw new Error("slices of another size");
  const [a, b, c, d, e, f] = affine;
  const last = size - 1;
  for (let row = 0; row < size; row++) {
    let x = b * row + c;
    let y = e * row + f;
    for (let column = 0, at = row * size; column < size; column++, at++, x += a, y += d) {
      const left = Math.floor(x);
      const top = Math.floor(y);
      const fx = x - left;
      const fy = y - top;
      if (left >= 0 && top >= 0 && left < last && top < last) {
        const first = top * size + left;
        for (let source = first, target = at; target < to.length; source += plane, target += plane) {
          const upper = from[source]! + fx * (from[source + 1]! - from[source]!);
          const lower = from[source + size]! + fx * (from[source + size + 1]! - from[source + size]!);
          to[target] = upper + fy * (lower - upper);
        }
      } else {
        for (let channel = 0; channel < channels; channel++) {
          to[channel * plane + at] = nearBorder(warp, { channel, left, top, fx, fy });
        }
      }
    }
  }
  if (offsetHu !== 0) for (let index = 0; index < to.length; index++) to[index]! += offsetHu;
  if (noiseHu > 0) addNoise(to, noiseHu, noiseStart);
}

interface BorderPlace {
  readonly channel: number;
  readonly left: number;
  readonly top: number;
  readonly fx: number;
  readonly fy: number;
}

/** One interpolated value where some of the four pixels lie beyond the slice. */
function nearBorder({ from, size, outside }: Warp, { channel, left, top, fx, fy }: BorderPlace): number {
  const value = (row: number, column: number) =>
    row < 0 || column < 0 || row >= size || column >= size
      ? outside
      : from[channel * size * size + row * size + column]!;
  const upper = value(top, left) + fx * (value(top, left + 1) - value(top, left));
  const lower = value(top + 1, left) + fx * (value(top + 1, left + 1) - value(top + 1, left));
  return upper + fy * (lower - upper);
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
