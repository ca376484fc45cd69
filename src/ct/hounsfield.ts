import { fail, type Result } from "../base/index.ts";
import { type HeaderOutcome, readSliceHeader } from "./slice-header.ts";

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

/** Reads one slice in HU. */
export function readHu(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<HuSlice> {
  return fail({ kind: "unfinished", where: path, got: outcome.kind, expected: "", next: "" });
}

/** Reads one slice as stored. */
export function readStored(path: string, outcome: HeaderOutcome = readSliceHeader(path)): Result<StoredSlice> {
  return fail({ kind: "unfinished", where: path, got: outcome.kind, expected: "", next: "" });
}
