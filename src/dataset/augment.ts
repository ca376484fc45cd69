import { type Random, random } from "../base/index.ts";
import { noiseLength } from "./noise.ts";

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
  const mirror = source.uniform() < augmentation.flip ? -1 : 1;
  const angle = (within(source, augmentation.rotateDegrees) * Math.PI) / 180;
  const zoom = Math.exp(within(source, Math.log1p(augmentation.scale)));
  const right = within(source, augmentation.shiftPixels);
  const down = within(source, augmentation.shiftPixels);
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

/** Uniform in ± a bound. */
function within(source: Random, bound: number): number {
  return (2 * source.uniform() - 1) * bound;
}
