import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { type DataSet, readCells, readFrame, type StoredFrame } from "../dicom/index.ts";
import { cellShift, isLent, lendPixels, shiftCells } from "./hu-kernel.ts";
import { applyModalityLut, readModalityLut } from "./modality-lut.ts";
import { type HeaderOutcome, readSliceHeader, type SliceHeader } from "./slice-header.ts";

/** One image plane in HU. */
export interface HuSlice {
  readonly kind: "hu";
  /**
   * [row, column] row-major; air −1000, water 0. Padding that the header names is air; padding that it does not name
   * (the competition's −2000 − 1024) is as the file has it, and `prepareSlice` makes air of it.
   */
  readonly hu: Int16Array;
  readonly rows: number;
  readonly columns: number;
  /** Between rows, then between columns, in mm. */
  readonly pixelSpacing: readonly [row: number, column: number] | undefined;
  readonly repaired: "no" | "wrapped values";
}

/** One image plane as it is stored, without rescale. */
export interface StoredSlice {
  readonly kind: "stored";
  /** [row, column] row-major, cut to the range of int16. */
  readonly stored: Int16Array;
  readonly rows: number;
  readonly columns: number;
  readonly pixelSpacing: readonly [row: number, column: number] | undefined;
}

/**
 * Reads one slice in HU: slope · stored + intercept (PS3.3 C.11.1.1.2), halves rounded up, or the entry of the modality
 * LUT, cut to int16. Pixels between PixelPaddingValue and PixelPaddingRangeLimit lie outside the reconstruction and
 * measure nothing (C.7.5.1.1.2): they become air. MONOCHROME1 changes how a picture is shown, not what it measures, so it
 * changes nothing here. Problems: those of `readFrame`, and "not a slice".
 */
export function readHu(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<HuSlice> {
  const lent = lendHu(path, outcome);
  return lent.kind === "problem" ? lent : ok({ ...lent.value, hu: owned(lent.value.hu) });
}

/** Reads one slice as stored. Problems as `readHu`. */
export function readStored(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<StoredSlice> {
  const lent = lendStored(path, outcome);
  return lent.kind === "problem" ? lent : ok({ ...lent.value, stored: owned(lent.value.stored) });
}

/**
 * As `readHu`, for one slice after the other: the pixels of nearly every slice are lent, in memory that the next slice of
 * this thread that is read in any way is written over. So nothing is copied, and no fresh memory is touched.
 */
export function lendHu(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<HuSlice> {
  if (outcome.kind !== "slice") return fail(notSlice(path, outcome));
  const { header } = outcome;
  const { rows, columns, pixelSpacing, padding } = header;
  const repaired = isWrapped(header) ? "wrapped values" : "no";
  const rest = { kind: "hu", rows, columns, pixelSpacing, repaired } as const;
  const isShift = header.huBy === "line" && isWholeShift(header) && repaired === "no";
  const shifted = isShift ? shiftFrame(path, outcome, header) : undefined;
  if (shifted !== undefined) return ok({ ...rest, hu: shifted });
  const frame = frameOf(path, outcome);
  if (frame.kind === "problem") return frame;
  const { values } = frame.value;
  const stored = padding === undefined ? undefined : values.slice(); // rescale writes over the values
  const hu = repaired === "no" ? huOf(frame.value) : unwrap(values);
  if (stored !== undefined && padding !== undefined) fillPadding(hu, { stored, padding });
  return ok({ ...rest, hu });
}

/** As `readStored`, lent as by `lendHu`. */
export function lendStored(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<StoredSlice> {
  if (outcome.kind !== "slice") return fail(notSlice(path, outcome));
  const { rows, columns, pixelSpacing } = outcome.header;
  const rest = { kind: "stored", rows, columns, pixelSpacing } as const;
  const lent = shiftFrame(path, outcome, { intercept: 0, padding: undefined });
  if (lent !== undefined) return ok({ ...rest, stored: lent });
  const frame = frameOf(path, outcome);
  if (frame.kind === "problem") return frame;
  return ok({ ...rest, stored: rescale(frame.value.values, { slope: 1, intercept: 0 }) });
}

/** Pixels that nobody writes over: a copy of those that are lent. */
function owned(pixels: Int16Array): Int16Array {
  return isLent(pixels) ? pixels.slice() : pixels;
}

/** Whether a line adds a whole number and no more. */
function isWholeShift({ slope, intercept }: Pick<SliceHeader, "slope" | "intercept">): boolean {
  return slope === 1 && Number.isInteger(intercept) && Math.abs(intercept) < 2 ** 20;
}

/**
 * A frame of native cells of 16 bits, read into memory that is lent and shifted there: nearly every slice. `undefined`
 * where it is another, which plain loops do.
 */
function shiftFrame(
  path: string,
  { header, dataSet }: Slice,
  { intercept, padding }: Pick<SliceHeader, "intercept" | "padding">,
): Int16Array | undefined {
  const { rows, columns, bitsAllocated, bitsStored, highBit, sign } = header;
  const shift = bitsAllocated === 16 ? cellShift({ bitsStored, highBit, sign, intercept, padding }) : undefined;
  const cells = shift && lendPixels(rows * columns);
  if (shift === undefined || cells === undefined) return undefined;
  const target = new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength);
  if (readCells(path, dataSet, { frame: header.frame ?? 0, target }) === undefined) return undefined;
  shiftCells(cells, shift, air);
  return cells;
}

type Slice = Extract<HeaderOutcome, { kind: "slice" }>;

function notSlice(path: string, { reason, detail }: Exclude<HeaderOutcome, Slice>): Problem {
  const got = `${reason} (${detail})`;
  return { kind: "not a slice", where: path, got, expected: "one slice of a CT", next: "leave the file out" };
}

interface Frame {
  readonly header: SliceHeader;
  readonly dataSet: DataSet;
  readonly values: StoredFrame["values"];
}

function frameOf(path: string, { header, dataSet }: Slice): Result<Frame> {
  const frame = readFrame(path, dataSet, header.frame ?? 0);
  return frame.kind === "problem" ? frame : ok({ header, dataSet, values: frame.value.values });
}

function huOf({ header, dataSet, values }: Frame): Int16Array {
  if (header.huBy === "line") return rescale(values, header);
  const table = readModalityLut(dataSet, header.sign);
  if (typeof table === "string") throw new Error(`a modality LUT that passed the header's check: ${table}`);
  return applyModalityLut(values, table);
}

/** What lies outside the reconstruction is taken for air, as what lies outside the image is. */
const air = -1000;

function fillPadding(
  hu: Int16Array,
  { stored, padding }: { readonly stored: StoredFrame["values"]; readonly padding: readonly [number, number] },
): void {
  const [low, high] = padding;
  for (let index = 0; index < hu.length; index++) {
    if (stored[index]! >= low && stored[index]! <= high) hu[index] = air;
  }
}

function rescale(
  values: StoredFrame["values"],
  { slope, intercept }: Pick<SliceHeader, "slope" | "intercept">,
): Int16Array {
  // In place where the cells are 16 bits wide: each is read before it is written.
  const inPlace = values.BYTES_PER_ELEMENT === 2;
  const hu = inPlace
    ? new Int16Array(values.buffer as ArrayBuffer, values.byteOffset, values.length)
    : new Int16Array(values.length);
  if (isWholeShift({ slope, intercept }) && values.BYTES_PER_ELEMENT < 4) {
    shift(values, intercept, hu);
    return hu;
  }
  for (let index = 0; index < hu.length; index++) {
    const value = Math.round(slope * values[index]! + intercept);
    hu[index] = Math.min(32767, Math.max(-32768, value));
  }
  return hu;
}

/** hu = stored + intercept, cut to int16: nearly every slice, in integers, which is several times as fast. */
function shift(values: StoredFrame["values"], intercept: number, hu: Int16Array): void {
  const offset = intercept | 0;
  for (let index = 0; index < hu.length; index++) {
    const value = (values[index]! + offset) | 0;
    hu[index] = Math.min(32767, Math.max(-32768, value));
  }
}

/**
 * Some unsigned 12-bit files of the competition hold signed values that wrapped (−1000 became 3096), told by an intercept
 * that leaves no room for air (0 or 1 instead of −1024): 123 training files, see the repair of its best-known solutions.
 */
function isWrapped({ bitsStored, sign, huBy, slope, intercept }: SliceHeader): boolean {
  return huBy === "line" && bitsStored === 12 && sign === "unsigned" && slope === 1 && intercept > -100;
}

/** x' = (x + 1000) mod 4096 − 1000: 3096 → −1000, 40 → 40. */
function unwrap(values: StoredFrame["values"]): Int16Array {
  return Int16Array.from(values, (value) => ((value + 1000) % 4096) - 1000);
}
