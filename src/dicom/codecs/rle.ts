import { fail, ok } from "../../base/index.ts";
import { alwaysReady, damagedPixels, type PixelCodec, truncatedPixels } from "./port.ts";

/** Count of segments and fifteen offsets, 32 bits each. PS3.5 G.5 */
const headBytes = 64;

/**
 * Run lengths: a segment for each byte of a cell, the most significant first, each packed like TIFF's PackBits. PS3.5 G.
 * What a segment holds beyond the frame (some writers pad) is left out; one that holds less is refused.
 */
export const rle: PixelCodec = {
  name: "rle",
  from: "Ichor",
  takes: () => true,
  ...alwaysReady,
  decode({ bytes, layout: { rows, columns, bitsAllocated, where } }) {
    if (bytes.length < headBytes) return fail(truncatedPixels({ where, got: bytes.length, expected: headBytes }));
    const bytesPerCell = (bitsAllocated / 8) as 1 | 2 | 4;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const segments = view.getUint32(0, true);
    if (segments !== bytesPerCell) {
      const expected = `${bytesPerCell}, one for each byte of a cell (PS3.5 G.2)`;
      return fail(damagedPixels(where, { got: `${segments} RLE segments`, expected }));
    }
    const size = rows * columns;
    const cells = new Uint8Array(size * bytesPerCell);
    for (let segment = 0; segment < segments; segment++) {
      const from = view.getUint32(4 + 4 * segment, true);
      const to = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : bytes.length;
      if (from < headBytes || to < from || to > bytes.length) {
        const got = `RLE segment ${segment + 1} from byte ${from} to ${to}`;
        return fail(damagedPixels(where, { got, expected: `a place within ${bytes.length} bytes (PS3.5 G.5)` }));
      }
      const place = { at: bytesPerCell - 1 - segment, step: bytesPerCell, count: size };
      const got = unpack(bytes.subarray(from, to), cells, place);
      if (got < size)
        return fail(truncatedPixels({ where: `${where}: RLE segment ${segment + 1}`, got, expected: size }));
    }
    return ok({ bytes: cells, bytesPerCell });
  },
};

/** Writes at most `count` bytes to every `step`th place; answers how many there were. PS3.5 G.3.2 */
function unpack(
  packed: Uint8Array,
  cells: Uint8Array,
  { at, step, count }: { readonly at: number; readonly step: number; readonly count: number },
): number {
  let done = 0;
  let target = at;
  for (let source = 0; source < packed.length && done < count; ) {
    const code = packed[source++]!;
    if (code === 128) continue; // no operation
    const literal = code < 128;
    // 2 copies the next 3 bytes, 254 repeats the next byte 3 times
    let length = Math.min(literal ? code + 1 : 257 - code, count - done);
    if (literal) {
      length = Math.min(length, packed.length - source);
      for (let index = 0; index < length; index++, target += step) cells[target] = packed[source + index]!;
      source += length;
    } else {
      if (source >= packed.length) break;
      const byte = packed[source++]!;
      for (let index = 0; index < length; index++, target += step) cells[target] = byte;
    }
    done += length;
  }
  return done;
}
