import type { HuSlice, StoredSlice } from "./hounsfield.ts";
import { type AxisTaps, mostSummed, piecesOfResult, type Resampling, resample } from "./hu-kernel.ts";
import { noShift, type PlaneShift, shiftInPixels } from "./tilt.ts";

/** How a slice becomes the numbers that a network sees. Part of the detector and of the cache's key. */
export interface Preprocessing {
  readonly values: "hu" | "stored";
  /** Rows and columns of the result. */
  readonly size: number;
  /** Side of the square that the result shows, mm, around the image's centre; or the whole image. */
  readonly fieldOfViewMm: number | "image";
  /** Whether a series of a tilted gantry is straightened, see shiftsToAxis; "as scanned" where nothing is said. */
  readonly tilt?: "straightened" | "as scanned" | undefined;
}

/** What lies outside the slice: air in HU, nothing as stored. */
const outside = { hu: -1000, stored: 0 } as const;

/** HU beyond these say nothing of a head: padding below air (−2000 − 1024), metal above the densest bone. */
const lowestHu = -1000;
const highestHu = 3000;

/**
 * Resamples a slice to size × size, each result the mean over the area that it covers (at least one stored pixel, so that
 * enlarging interpolates linearly), around the image's centre, or, where the preprocessing straightens, around the place
 * that `shiftMm` takes it to. A slice without pixel spacing is shown whole. The same function makes the numbers of
 * training, evaluation and detection.
 */
export function prepareSlice(
  slice: HuSlice | StoredSlice,
  preprocessing: Preprocessing,
  shiftMm: PlaneShift = noShift,
): Int16Array {
  const { rows, columns, pixelSpacing } = slice;
  const { size, fieldOfViewMm } = preprocessing;
  const whole = Math.max(rows, columns);
  const [high, wide] =
    fieldOfViewMm === "image" || pixelSpacing === undefined
      ? [whole, whole]
      : [fieldOfViewMm / pixelSpacing[0], fieldOfViewMm / pixelSpacing[1]];
  const [lower, righter] = shiftInPixels(usedShift(preprocessing, shiftMm), pixelSpacing);
  const across = axisWeights({ length: columns, extent: wide, shift: righter, size });
  const down = axisWeights({ length: rows, extent: high, shift: lower, size });
  const values = slice.kind === "hu" ? slice.hu : slice.stored;
  const [low, top] = slice.kind === "hu" ? [lowestHu, highestHu] : [-32768, 32767];
  const background = outside[slice.kind];
  const resampling = { values, columns, across, down, low, high: top, background, size };
  return resample(resampling) ?? resamplePlainly(resampling);
}

/** The same in plain loops, for slices that the kernel has no room for: first down the columns, then along the rows. */
export function resamplePlainly(o: Resampling): Int16Array {
  const { values, columns, across, down, low, high, background, size } = o;
  const sums = new Float64Array(columns); // a row of the result, all columns of the slice
  const most = mostSummed(o);
  const result = new Int16Array(size * size);
  for (let row = 0; row < size; row++) {
    sums.fill(background * down.missing[row]!);
    eachPiece(down, row, (weight, from, to) => {
      for (let place = from; place < to; place += most) {
        const end = Math.min(to, place + most);
        for (let column = 0; column < columns; column++) {
          let same = 0;
          for (let at = place; at < end; at++) same += Math.min(high, Math.max(low, values[at * columns + column]!));
          sums[column]! += weight * same;
        }
      }
    });
    for (let at = 0; at < size; at++) {
      let sum = background * across.missing[at]!;
      eachPiece(across, at, (weight, from, to) => {
        let same = 0;
        for (let place = from; place < to; place++) same += sums[place]!;
        sum += weight * same;
      });
      result[row * size + at] = Math.floor(sum + 0.5);
    }
  }
  return result;
}

/** Visits the pieces of a result that are not empty: the weight of each pixel of it, its first pixel, and the one behind it. */
function eachPiece(
  { firsts, counts, weights }: AxisTaps,
  at: number,
  visit: (weight: number, from: number, to: number) => void,
): void {
  let place = firsts[at]!;
  for (let piece = at * piecesOfResult; piece < (at + 1) * piecesOfResult; piece++) {
    const to = place + counts[piece]!;
    if (to > place) visit(weights[piece]!, place, to);
    place = to;
  }
}

/** The shift of a slice under a preprocessing: none where it leaves series as they were scanned. */
export function usedShift({ tilt }: Preprocessing, shiftMm: PlaneShift): PlaneShift {
  return tilt === "straightened" ? shiftMm : noShift;
}

const known = new Map<string, AxisTaps>();
const mostKnown = 128; // axes of the scanners of one archive and of the slices of tilted series; each is a few KB

/** One axis: `size` pixels show `extent` of `length` stored ones, around their centre moved by `shift`. */
interface Axis {
  readonly length: number;
  readonly extent: number;
  readonly shift: number;
  readonly size: number;
}

function axisWeights(axis: Axis): AxisTaps {
  const key = `${axis.length}/${axis.extent}/${axis.shift}/${axis.size}`;
  let weights = known.get(key);
  if (weights === undefined) {
    if (known.size >= mostKnown) known.clear();
    weights = makeWeights(axis);
    known.set(key, weights);
  }
  return weights;
}

function makeWeights({ length, extent, shift, size }: Axis): AxisTaps {
  const firsts = new Int32Array(size);
  const counts = new Int32Array(size * piecesOfResult);
  const weights = new Float64Array(size * piecesOfResult);
  const missing = new Float64Array(size);
  const step = extent / size;
  const width = Math.max(step, 1);
  for (let at = 0; at < size; at++) {
    const centre = length / 2 + shift + (at + 0.5 - size / 2) * step;
    const [low, high] = [centre - width / 2, centre + width / 2];
    let inside = 0;
    let piece = at * piecesOfResult;
    for (let place = Math.max(0, Math.floor(low)); place < Math.min(length, Math.ceil(high)); place++) {
      const share = (Math.min(high, place + 1) - Math.max(low, place)) / width;
      if (share <= 0) continue;
      if (inside === 0) firsts[at] = place;
      else if (share !== weights[piece]) piece++;
      weights[piece] = share;
      counts[piece]!++;
      inside += share;
    }
    missing[at] = Math.max(0, 1 - inside);
  }
  return { firsts, counts, weights, missing };
}

/**
 * Stacks prepared neighbours [size, size] as channels [neighbours, size, size]; where a neighbour is missing (the ends of
 * a series), the nearest one towards the middle stands in.
 */
export function stackNeighbours(slices: readonly (Int16Array | undefined)[], size: number): Float32Array {
  const stack = new Float32Array(slices.length * size * size);
  const middle = slices.length >> 1;
  for (let channel = 0; channel < slices.length; channel++) {
    const inwards = channel < middle ? 1 : -1;
    let from = channel;
    while (slices[from] === undefined && from !== middle) from += inwards;
    const slice = slices[from];
    if (slice === undefined) throw new Error("the slice in the middle of a stack is missing");
    stack.set(slice, channel * size * size);
  }
  return stack;
}
