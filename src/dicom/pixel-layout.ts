import { fail, ok, type Result } from "../base/index.ts";
import type { DataSet } from "./data-set.ts";
import type { Keyword } from "./dictionary.ts";
import { numbers } from "./values.ts";

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

/** More than any scanner's frame (8192 × 8192 of 32 bits): bounds what a few hostile bytes can ask for. */
const mostFrameBytes = 2 ** 28;

/** Bytes of a native frame. */
export function frameBytes({
  rows,
  columns,
  bitsAllocated,
}: Pick<PixelLayout, "rows" | "columns" | "bitsAllocated">): number {
  return (rows * columns * bitsAllocated) / 8;
}

/** The layout of a frame, checked. Problem "pixel layout" for what no image has, and for colour. */
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
  const samples = first("SamplesPerPixel") ?? 1;
  if (samples !== 1) return wrong(`SamplesPerPixel ${samples}`, "1, not colour");
  if (frameBytes({ rows, columns, bitsAllocated: allocated }) > mostFrameBytes)
    return wrong(`${rows} rows, ${columns} columns`, `at most ${mostFrameBytes} bytes a frame`);
  const sign = first("PixelRepresentation") === 1 ? "signed" : "unsigned";
  return ok({ rows, columns, bitsAllocated: allocated, bitsStored, highBit, sign, where: path });
}
