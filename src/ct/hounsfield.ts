import { fail, ok, type Result } from "../base/index.ts";
import { readFrame, type StoredFrame } from "../dicom/index.ts";
import { type HeaderOutcome, readSliceHeader, type SliceHeader } from "./slice-header.ts";

/** One image plane in HU. */
export interface HuSlice {
  readonly kind: "hu";
  /** [row, column] row-major; air −1000, water 0; padding as the file has it. */
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
 * Reads one slice in HU: slope · stored + intercept (modality LUT, PS3.3 C.11.1.1.2), rounded and cut to int16. MONOCHROME1
 * changes how a picture is shown, not what it measures, so it changes nothing here. Problems: those of `readFrame`, and
 * "not a slice".
 */
export function readHu(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<HuSlice> {
  const frame = frameOf(path, outcome);
  if (frame.kind === "problem") return frame;
  const { header, values } = frame.value;
  const { rows, columns, pixelSpacing } = header;
  const repaired = isWrapped(header) ? "wrapped values" : "no";
  const hu = repaired === "no" ? rescale(values, header) : unwrap(values);
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
  readonly values: StoredFrame["values"];
}

function frameOf(path: string, outcome: HeaderOutcome): Result<Frame> {
  if (outcome.kind !== "slice") {
    const got = `${outcome.reason} (${outcome.detail})`;
    return fail({ kind: "not a slice", where: path, got, expected: "one slice of a CT", next: "leave the file out" });
  }
  const frame = readFrame(path, outcome.dataSet);
  return frame.kind === "problem" ? frame : ok({ header: outcome.header, values: frame.value.values });
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
function isWrapped({ bitsStored, sign, slope, intercept }: SliceHeader): boolean {
  return bitsStored === 12 && sign === "unsigned" && slope === 1 && intercept > -100;
}

/** x' = (x + 1000) mod 4096 − 1000: 3096 → −1000, 40 → 40. */
function unwrap(values: StoredFrame["values"]): Int16Array {
  return Int16Array.from(values, (value) => ((value + 1000) % 4096) - 1000);
}
