import { fail, type Result } from "../base/index.ts";
import type { DataSet } from "./data-set.ts";

/** How the cells of a frame are laid out, PS3.5 8.1. One sample a pixel. */
export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16 | 32;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly sign: "signed" | "unsigned";
  readonly where: string;
}

/** Stored values of one frame, [row, column] row-major, masked or sign-extended to BitsStored. */
export interface StoredFrame {
  readonly values: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Reads the pixels of a file whose header is known. */
export function readFrame(path: string, header: DataSet): Result<StoredFrame> {
  return fail({ kind: "unfinished", where: path, got: header.where, expected: "", next: "" });
}
