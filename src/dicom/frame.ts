import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { codecs } from "./codecs.ts";
import type { DataSet } from "./data-set.ts";
import type { Keyword } from "./dictionary.ts";
import type { PixelLayout } from "./pixel-layout.ts";
import { withFile } from "./storage.ts";
import { nameTransferSyntax } from "./transfer-syntaxes.ts";
import { numbers } from "./values.ts";

/** Stored values of one frame, [row, column] row-major, masked or sign-extended to BitsStored. */
export interface StoredFrame {
  readonly values: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Reads the pixels of a file whose header is known: BitsStored bits below HighBit, sign-extended or masked, whatever the
 * bits above them hold (PS3.5 8.1.1). Problems: "no pixel data", "transfer syntax", "truncated", "pixel layout".
 */
export function readFrame(path: string, header: DataSet): Result<StoredFrame> {
  const layout = pixelLayout(path, header);
  if (layout.kind === "problem") return layout;
  const codec = codecs[header.transferSyntax];
  const place = header.pixelData;
  if (place === undefined) {
    return fail({
      kind: "no pixel data",
      where: path,
      got: "no (7FE0,0010)",
      expected: "pixel data",
      next: "nothing to do if this is no image",
    });
  }
  if (codec === undefined || place.length === "encapsulated") return fail(unsupported(path, header.transferSyntax));
  const stored = readBytes(path, { offset: place.offset, length: Math.min(place.length, frameBytes(layout.value)) });
  if (stored.kind === "problem") return stored;
  const cells = codec.decode(stored.value, layout.value);
  if (cells.kind === "problem") return cells;
  const { rows, columns } = layout.value;
  return ok({ values: storedValues(cells.value, layout.value), rows, columns });
}

/** Bytes of a native frame. */
export function frameBytes({
  rows,
  columns,
  bitsAllocated,
}: Pick<PixelLayout, "rows" | "columns" | "bitsAllocated">): number {
  return (rows * columns * bitsAllocated) / 8;
}

/** The problem of a transfer syntax without a codec, by its name. */
export function unsupported(where: string, uid: string): Problem {
  return {
    kind: "transfer syntax",
    where,
    got: nameTransferSyntax(uid),
    expected: `one of: ${Object.keys(codecs).map(nameTransferSyntax).join(", ")}`,
    next: "convert the file, e.g. with gdcmconv --raw",
  };
}

/** The layout of a frame, checked. Problem "pixel layout" for what no image has. */
export function pixelLayout(path: string, header: DataSet): Result<PixelLayout> {
  const first = (keyword: Keyword) => numbers(header, keyword)?.[0];
  const [rows, columns, allocated] = [first("Rows"), first("Columns"), first("BitsAllocated")];
  const bitsStored = first("BitsStored") ?? allocated ?? 0;
  const highBit = first("HighBit") ?? bitsStored - 1;
  const wrong = (got: string, expected: string) =>
    fail({
      kind: "pixel layout",
      where: path,
      got,
      expected: `${expected} (PS3.3 C.7.6.3)`,
      next: "look at the file with dcmdump",
    });
  if (rows === undefined || columns === undefined || rows < 1 || columns < 1)
    return wrong(`${rows} rows, ${columns} columns`, "at least 1");
  if (allocated !== 8 && allocated !== 16 && allocated !== 32)
    return wrong(`BitsAllocated ${allocated}`, "8, 16 or 32");
  if (bitsStored < 1 || bitsStored > allocated || highBit >= allocated || highBit < bitsStored - 1) {
    return wrong(`BitsStored ${bitsStored}, HighBit ${highBit}`, `bits within ${allocated}`);
  }
  const sign = first("PixelRepresentation") === 1 ? "signed" : "unsigned";
  return ok({ rows, columns, bitsAllocated: allocated, bitsStored, highBit, sign, where: path });
}

function readBytes(
  path: string,
  { offset, length }: { readonly offset: number; readonly length: number },
): Result<Uint8Array> {
  return withFile(path, (file) => {
    const bytes = Buffer.allocUnsafeSlow(length); // its own memory, and what is not read into is cut off
    return ok(bytes.subarray(0, file.read(bytes, offset)));
  });
}

/** Cells as values: whole cells as they lie, others shifted to the top and back, which masks or extends the sign. */
function storedValues(cells: Uint8Array, layout: PixelLayout): StoredFrame["values"] {
  const { bitsAllocated, bitsStored, highBit, sign } = layout;
  const bytes = cells.byteOffset % 4 === 0 ? cells : cells.slice(); // typed arrays want their alignment
  const signed = sign === "signed";
  const kinds = {
    8: signed ? Int8Array : Uint8Array,
    16: signed ? Int16Array : Uint16Array,
    32: signed ? Int32Array : Uint32Array,
  };
  const Kind = kinds[bitsAllocated];
  const values = new Kind(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / Kind.BYTES_PER_ELEMENT);
  if (bitsStored === bitsAllocated) return values;
  // 12 bits below HighBit 11, signed: 0xF801 << 20 >> 20 = 0x801 extended = −2047
  const left = 31 - highBit;
  const right = 32 - bitsStored;
  for (let index = 0; index < values.length; index++) {
    const top = values[index]! << left;
    values[index] = signed ? top >> right : top >>> right;
  }
  return values;
}
