import { fail, ok, type Result } from "../base/index.ts";
import type { PixelLayout } from "./pixel-layout.ts";
import { explicitLittleEndian, implicitLittleEndian } from "./transfer-syntaxes.ts";

/** Turns the stored bytes of one frame into cells: the port behind which every compression lies. */
export interface PixelCodec {
  readonly summary: string;
  /** Part of the standard, or the specification that it cites. */
  readonly source: string;
  readonly lossy: "lossy" | "lossless";
  /**
   * `stored`: the frame's bytes (fragments joined). Answers rows × columns cells of BitsAllocated bits in little endian,
   * row-major, high bits as the file has them; fails with "truncated" or "damaged pixel data".
   */
  decode(stored: Uint8Array, layout: PixelLayout): Result<Uint8Array>;
}

const native: PixelCodec = {
  summary: "pixels as they are, little endian",
  source: "PS3.5 A.1, A.2",
  lossy: "lossless",
  decode(stored, { rows, columns, bitsAllocated, where }) {
    const expected = (rows * columns * bitsAllocated) / 8;
    if (stored.length >= expected) return ok(stored.subarray(0, expected));
    return fail(truncatedPixels({ where, got: stored.length, expected }));
  },
};

/** Codecs by the UID of the transfer syntax. A syntax without a row is refused by its name. */
export const codecs: Readonly<Record<string, PixelCodec>> = {
  [implicitLittleEndian]: native,
  [explicitLittleEndian]: native,
};

/** The problem of pixel data that end too early; lengths in bytes. */
export function truncatedPixels(o: { readonly where: string; readonly got: number; readonly expected: number }) {
  return {
    kind: "truncated",
    where: o.where,
    got: `${o.got} bytes of pixel data`,
    expected: `${o.expected} bytes (rows × columns × bits, PS3.3 C.7.6.3)`,
    next: "copy the file again from its source",
  };
}
