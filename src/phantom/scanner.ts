import { type Random, random } from "../base/index.ts";
import type { Vector } from "../ct/index.ts";
import { between } from "./head.ts";

/** How a study is scanned and stored. Lengths in mm. */
export interface Scan {
  readonly matrix: number;
  /** Side of the picture. */
  readonly fieldOfViewMm: number;
  readonly pixelSpacingMm: number;
  /** Gantry tilt in radians; about half of real head studies have one. */
  readonly tilt: number;
  /** Between slices along the table, and where the first one cuts the head's axis. */
  readonly stepMm: number;
  readonly firstMm: number;
  readonly slices: number;
  /** Position of the head's origin in the scanner's coordinates. */
  readonly origin: Vector;
  readonly noiseHu: number;
  readonly cuppingHu: number;
  readonly group: PixelGroup;
}

/** How values are stored: the groups of the competition's files. */
export interface PixelGroup {
  readonly bitsStored: 12 | 16;
  readonly sign: "signed" | "unsigned";
  readonly intercept: number;
  /** Stored value outside the round field of the scanner, where the group has one. */
  readonly padding: number | undefined;
}

const groups: readonly (readonly [share: number, group: PixelGroup])[] = [
  [0.5, { bitsStored: 16, sign: "signed", intercept: -1024, padding: -2000 }],
  [0.98, { bitsStored: 12, sign: "unsigned", intercept: -1024, padding: undefined }],
  [1, { bitsStored: 12, sign: "unsigned", intercept: -1000, padding: undefined }],
];

/** Draws a scan that covers a head of a height from below its base to above its vertex. */
export function drawScan(
  seed: number,
  {
    matrix,
    slices,
    heightMm,
  }: { readonly matrix: number; readonly slices: number | undefined; readonly heightMm: number },
): Scan {
  const source = random(seed, "scan");
  const fieldOfViewMm = between(source, 220, 250);
  const tilt = source.uniform() < 0.5 ? 0 : (between(source, 8, 25) * Math.PI) / 180;
  const count = slices ?? 28 + source.integer(13);
  const covered = heightMm + between(source, 6, 18);
  const which = source.uniform();
  return {
    matrix,
    fieldOfViewMm,
    pixelSpacingMm: fieldOfViewMm / matrix,
    tilt,
    stepMm: slices === undefined ? Math.min(5, Math.max(3.5, covered / count)) : covered / count,
    firstMm: between(source, -8, 2),
    slices: count,
    origin: [between(source, -5, 5), between(source, -5, 5), between(source, -100, 900)],
    noiseHu: between(source, 2.5, 5.5),
    cuppingHu: between(source, 0, 3),
    group: groups.find(([share]) => which < share)![1],
  };
}

/**
 * What the scanner makes of a painted slice, in place: a little blur, correlated noise, cupping from beam hardening.
 * `hu`: [matrix, matrix].
 */
export function expose(hu: Float32Array, scan: Scan, source: Random): void {
  const { matrix, noiseHu, cuppingHu } = scan;
  blur(hu, matrix, 0.55 * (matrix / 256));
  const noise = Float32Array.from({ length: hu.length }, () => source.normal());
  blur(noise, matrix, 0.7 * (matrix / 256));
  const norm = noiseHu / deviation(noise);
  for (let row = 0; row < matrix; row++) {
    for (let column = 0; column < matrix; column++) {
      const at = row * matrix + column;
      const away = Math.hypot(row / matrix - 0.5, column / matrix - 0.5);
      hu[at] = hu[at]! + noise[at]! * norm + (hu[at]! > -200 ? cuppingHu * (8 * away * away - 1) : 0);
    }
  }
}

/** Stored values of a slice, cut to what the group can hold; outside the round field the padding. */
export function store(hu: Float32Array, { matrix, group }: Scan): Int16Array | Uint16Array {
  const { bitsStored, sign, intercept, padding } = group;
  const [low, high] = sign === "signed" ? [-32768, 32767] : [0, 2 ** bitsStored - 1];
  const stored = sign === "signed" ? new Int16Array(hu.length) : new Uint16Array(hu.length);
  const radius = (matrix / 2) ** 2;
  for (let row = 0; row < matrix; row++) {
    for (let column = 0; column < matrix; column++) {
      const at = row * matrix + column;
      const outside = (row + 0.5 - matrix / 2) ** 2 + (column + 0.5 - matrix / 2) ** 2 > radius;
      stored[at] =
        padding !== undefined && outside ? padding : Math.min(high, Math.max(low, Math.round(hu[at]! - intercept)));
    }
  }
  return stored;
}

/** Gaussian blur in place, three taps a pass and axis, of a standard deviation in pixels (at most about 1.5). */
function blur(picture: Float32Array, matrix: number, sigma: number): void {
  const passes = Math.max(1, Math.ceil(sigma ** 2 / 0.5));
  const side = sigma ** 2 / passes / 2; // variance of [side, 1 − 2·side, side] is 2·side
  const line = new Float32Array(matrix);
  for (let pass = 0; pass < passes; pass++) {
    for (const [step, stride] of [
      [1, matrix],
      [matrix, 1],
    ] as const) {
      for (let start = 0; start < matrix; start++) {
        const from = start * stride;
        for (let at = 0; at < matrix; at++) line[at] = picture[from + at * step]!;
        for (let at = 1; at < matrix - 1; at++) {
          picture[from + at * step] = (1 - 2 * side) * line[at]! + side * (line[at - 1]! + line[at + 1]!);
        }
      }
    }
  }
}

function deviation(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}
