import { type Kernel, openKernel } from "../base/index.ts";
import { huWasm } from "./hu.wasm.ts";

/** Pixels of the largest slice that goes through the kernel, 2048 × 2048; larger ones take plain loops. */
const mostPixels = 2 ** 22;

/** Bytes after each array, since loops in the kernel may run over its end. */
const roomBytes = 64;

const areaBytes = mostPixels * 2 + roomBytes;

/** What the kernel's memory holds: a slice that is lent, a copy of one that is not, and tables. */
const [lentAt, copyAt, tablesAt] = [0, areaBytes, 2 * areaBytes];
const tablesBytes = 2 ** 20;

interface HuKernel extends Kernel<"signed" | "unsigned" | "sumRows" | "sumColumns"> {
  readonly buffer: ArrayBuffer;
}

let opened: HuKernel | undefined;

/**
 * The kernel of this thread. Its memory has its full length, 17 MB, from the beginning, so that no view of it is ever
 * lost; pages that no slice was large enough to need take nothing.
 */
function huKernel(): HuKernel {
  if (opened === undefined) {
    const kernel = openKernel(huWasm, ["signed", "unsigned", "sumRows", "sumColumns"]);
    opened = { ...kernel, buffer: kernel.memory(tablesAt + tablesBytes) };
  }
  return opened;
}

/** Room for the pixels of one slice, in the kernel's memory, the same for every slice; `undefined` for too large a one. */
export function lendPixels(count: number): Int16Array | undefined {
  return count > mostPixels ? undefined : new Int16Array(huKernel().buffer, lentAt, count);
}

/** Whether pixels lie in the kernel's memory. */
export function isLent(pixels: Int16Array): boolean {
  return opened !== undefined && pixels.buffer === opened.buffer;
}

/** How cells become values: those of `padding`, which are stored values, to `air`, all others by adding `intercept`. */
export interface CellLayout {
  readonly bitsStored: number;
  readonly highBit: number;
  readonly sign: "signed" | "unsigned";
  /** An integer. */
  readonly intercept: number;
  readonly padding: readonly [low: number, high: number] | undefined;
}

/** What the kernel does to each cell, see hu.wat; cells of 16 bits hold every step of it. */
export interface CellShift {
  readonly sign: "signed" | "unsigned";
  /** In the order of the kernel's parameters: up, down, flip, offset, low, high. */
  readonly numbers: readonly number[];
}

const fitsInt16 = (value: number) => value >= -32768 && value <= 32767;

/**
 * How a layout is done in 16 bits; `undefined` where it is not. Values without a sign that take all 16 are moved down by
 * 2^15, which flips their first bit, and up again with the intercept: 40000 − 1024 as 7232 + 31744.
 */
export function cellShift({ bitsStored, highBit, sign, intercept, padding }: CellLayout): CellShift | undefined {
  const isFull = sign === "unsigned" && bitsStored === 16;
  const moved = isFull ? 2 ** 15 : 0;
  const offset = intercept + moved;
  if (!fitsInt16(offset)) return undefined;
  const low = Math.max(-32768, Math.ceil(padding?.[0] ?? 1) - moved);
  const high = Math.min(32767, Math.floor(padding?.[1] ?? 0) - moved);
  const range = fitsInt16(low) && fitsInt16(high) ? [low, high] : [1, 0]; // none of the values is padding
  return { sign, numbers: [15 - highBit, 16 - bitsStored, isFull ? -32768 : 0, offset, ...range] };
}

/** Turns lent cells of 16 bits into values, in place: BitsStored bits below HighBit, plus intercept, cut to int16. */
export function shiftCells(cells: Int16Array, { sign, numbers }: CellShift, air: number): void {
  huKernel().functions[sign](cells.byteOffset, cells.length, ...numbers, air);
}

/** Pieces of a result along one axis: a share of the first pixel, whole pixels, and a share of the last one. */
export const piecesOfResult = 3;

/** Which stored pixels make each result along one axis, neighbours all; their weights sum to 1 with `missing`. */
export interface AxisTaps {
  /** [size]: the first pixel of a result. */
  readonly firsts: Int32Array;
  /** [size, piecesOfResult]: pixels of the same weight, each piece behind the one before. */
  readonly counts: Int32Array;
  /** [size, piecesOfResult]: the weight of each pixel of a piece. */
  readonly weights: Float64Array;
  /** [size]: share of a result that lies outside the slice. */
  readonly missing: Float64Array;
}

/** A slice to be made smaller: pixels cut to low … high, and what lies beyond it. */
export interface Resampling {
  /** [rows, columns] */
  readonly values: Int16Array;
  readonly columns: number;
  readonly across: AxisTaps;
  readonly down: AxisTaps;
  readonly low: number;
  readonly high: number;
  readonly background: number;
  readonly size: number;
}

/** Rows of a result that the kernel makes together, the last of them in vain where the size is no multiple of it. */
const rowsAtOnce = 4;

/** How many values between low and high int16 holds the sum of. */
export function mostSummed({ low, high }: Pick<Resampling, "low" | "high">): number {
  return Math.max(1, Math.floor(32767 / Math.max(Math.abs(low), Math.abs(high))));
}

/** Resamples a slice to [size, size], bit by bit as `resamplePlainly`; `undefined` where the kernel has no room for it. */
export function resample(o: Resampling): Int16Array | undefined {
  const { values, columns, across, down, background, size } = o;
  const { functions, buffer } = huKernel();
  const at = layOut([across.firsts, across.counts, across.weights, across.missing, down.counts, down.weights]);
  const [firsts = 0, counts = 0, weights = 0, missing = 0, rowCounts = 0, rowWeights = 0] = at.arrays;
  const sums = at.end;
  const between = columns * 8 + roomBytes;
  const result = sums + rowsAtOnce * between;
  if (values.length > mostPixels || result + (size + rowsAtOnce) * size * 2 > tablesAt + tablesBytes) return undefined;
  const lent = isLent(values);
  if (!lent) new Int16Array(buffer, copyAt, values.length).set(values);
  at.write(buffer);
  const stride = columns * 2;
  const pixels = lent ? values.byteOffset : copyAt;
  const most = mostSummed(o);
  for (let row = 0; row < size; row++) {
    const from = pixels + down.firsts[row]! * stride;
    const start = background * down.missing[row]!;
    const [countsAt, weightsAt] = [rowCounts + row * piecesOfResult * 4, rowWeights + row * piecesOfResult * 8];
    const place = row % rowsAtOnce;
    const to = sums + place * between;
    functions.sumRows(from, stride, columns, countsAt, weightsAt, start, o.low, o.high, most, to);
    if (place < rowsAtOnce - 1 && row < size - 1) continue;
    const results = result + (row - place) * size * 2;
    functions.sumColumns(sums, between, firsts, counts, weights, missing, background, size, results);
  }
  return new Int16Array(buffer, result, size * size).slice();
}

/** Addresses of tables one after the other, and how to write them there. */
function layOut(tables: readonly (Int32Array | Float64Array)[]) {
  let end = tablesAt;
  const arrays = tables.map((table) => {
    const at = end;
    end = at + Math.ceil((table.byteLength + roomBytes) / 64) * 64;
    return at;
  });
  const write = (buffer: ArrayBuffer) => {
    for (const [index, { buffer: own, byteOffset, byteLength }] of tables.entries())
      new Uint8Array(buffer, arrays[index]!, byteLength).set(new Uint8Array(own, byteOffset, byteLength));
  };
  return { arrays, end, write };
}
