import { fail, ok, type Result } from "../base/index.ts";
import { type DataSet, readFrame, type StoredFrame } from "../dicom/index.ts";
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
  const frame = frameOf(path, outcome);
  if (frame.kind === "problem") return frame;
  const { header, values } = frame.value;
  const { rows, columns, pixelSpacing, padding } = header;
  const repaired = isWrapped(header) ? "wrapped values" : "no";
  const stored = padding === undefined ? undefined : values.slice(); // rescale writes over the values
  const hu = repaired === "no" ? huOf(frame.value) : unwrap(values);
  if (stored !== undefined && padding !== undefined) fillPadding(hu, { stored, padding });
  return ok({ kind: "hu", hu, rows, columns, pixelSpacing, repaired });
}

/** Reads one slice as stored. Problems as `readHu`. */
export function readStored(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<StoredSlice> {
  const frame = frameOf(path, outcome);
  if (frame.kind === "problem") return frame;
  const { header, values } = frame.value;
  const { rows, columns, pixelSpacing } = header;
  return ok({ kind: "stored", stored: rescale(values, { slope: 1, intercept: 0 }), rows, columns, pixelSpacing });
}

interface Frame {
  readonly header: SliceHeader;
  readonly dataSet: DataSet;
  readonly values: StoredFrame["values"];
}

function frameOf(path: string, outcome: HeaderOutcome): Result<Frame> {
  if (outcome.kind !== "slice") {
    const got = `${outcome.reason} (${outcome.detail})`;
    return fail({ kind: "not a slice", where: path, got, expected: "one slice of a CT", next: "leave the file out" });
  }
  const { header, dataSet } = outcome;
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
  if (slope === 1 && Number.isInteger(intercept) && Math.abs(intercept) < 2 ** 20 && values.BYTES_PER_ELEMENT < 4) {
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
