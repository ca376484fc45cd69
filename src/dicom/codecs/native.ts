import { fail, ok } from "../../base/index.ts";
import { alwaysReady, type PixelCodec, truncatedPixels } from "./port.ts";

/** Pixels as they are, little endian. PS3.5 A.1, A.2 */
export const native: PixelCodec = {
  name: "native",
  from: "Ichor",
  takes: () => true,
  ...alwaysReady,
  decode({ bytes, layout: { rows, columns, bitsAllocated, where } }) {
    const expected = (rows * columns * bitsAllocated) / 8;
    if (bytes.length < expected) return fail(truncatedPixels({ where, got: bytes.length, expected }));
    return ok({ bytes: bytes.subarray(0, expected), bytesPerCell: (bitsAllocated / 8) as 1 | 2 | 4 });
  },
};

/** Pixels as they are, each cell's most significant byte first. PS3.5 A.3 */
export const bigEndian: PixelCodec = {
  name: "big endian",
  from: "Ichor",
  takes: () => true,
  ...alwaysReady,
  decode(stored) {
    const cells = native.decode(stored);
    if (cells.kind === "problem") return cells;
    const { bytes, bytesPerCell } = cells.value;
    const swapped = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength); // in place: the frame's bytes are its own
    if (bytesPerCell === 2) swapped.swap16();
    if (bytesPerCell === 4) swapped.swap32();
    return ok(cells.value);
  },
};
