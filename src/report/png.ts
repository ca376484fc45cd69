import { crc32, deflateSync } from "node:zlib";

/** A picture of 8 bits a sample, rows from the top: one sample a pixel (grey) or three (rgb). */
export interface Picture {
  readonly kind: "grey" | "rgb";
  /** [rows, columns] or [rows, columns, 3] */
  readonly pixels: Uint8Array;
  readonly rows: number;
  readonly columns: number;
}

const samples = { grey: 1, rgb: 3 } as const;
const colourTypes = { grey: 0, rgb: 2 } as const; // PNG 1.2 §4.1.1
const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A picture as a PNG file (PNG 1.2: IHDR, one IDAT, IEND), without any text or time in it. */
export function encodePng(picture: Picture): Uint8Array {
  const { kind, rows, columns, pixels } = picture;
  const stride = columns * samples[kind];
  if (rows < 1 || columns < 1 || pixels.length !== rows * stride) {
    throw new Error(`${pixels.length} samples are no ${kind} picture of ${rows} × ${columns}`);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, columns);
  view.setUint32(4, rows);
  header.set([8, colourTypes[kind], 0, 0, 0], 8); // bits, colour, deflate, adaptive filters, not interlaced
  const data = deflateSync(filtered(picture, stride), { level: 9 });
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array(0))]);
}

/** Each row as its difference to the row above (filter 2, "Up"): heads are smooth, so this packs better than grey. */
function filtered({ pixels, rows }: Picture, stride: number): Uint8Array {
  const lines = new Uint8Array(rows * (stride + 1));
  for (let row = 0; row < rows; row++) {
    const line = row * (stride + 1);
    lines[line] = 2;
    for (let at = 0; at < stride; at++) {
      const above = row === 0 ? 0 : pixels[(row - 1) * stride + at]!;
      lines[line + 1 + at] = pixels[row * stride + at]! - above; // modulo 256, as the filter wants
    }
  }
  return lines;
}

/** Length, type, data, and the CRC of type and data (PNG 1.2 §3.2). */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A picture as the address of itself, for `<img src>`. */
export function dataUri(picture: Picture): string {
  return `data:image/png;base64,${Buffer.from(encodePng(picture)).toString("base64")}`;
}
