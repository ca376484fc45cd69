import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, inflateSync } from "node:zlib";
import { dataUri, encodePng, type Picture } from "./png.ts";

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** The chunks of a PNG file, each held to its CRC. */
function chunksOf(file: Uint8Array): Chunk[] {
  const bytes = Buffer.from(file);
  assert.equal(bytes.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
  const chunks: Chunk[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    assert.equal(bytes.readUInt32BE(at + 8 + length), crc32(body), "CRC of type and data");
    chunks.push({ type: body.toString("latin1", 0, 4), data: body.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

/** Undoes the row filters None and Up (PNG 1.2 §6). */
function pixelsOf(data: Buffer, rows: number): Uint8Array {
  const stride = data.length / rows - 1;
  const pixels = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    const filter = data[row * (stride + 1)];
    assert.ok(filter === 0 || filter === 2, `filter ${filter}`);
    for (let at = 0; at < stride; at++) {
      const above = filter === 0 || row === 0 ? 0 : pixels[(row - 1) * stride + at]!;
      pixels[row * stride + at] = data[row * (stride + 1) + 1 + at]! + above;
    }
  }
  return pixels;
}

function noise(kind: Picture["kind"], rows: number, columns: number): Picture {
  const pixels = Uint8Array.from(
    { length: rows * columns * (kind === "grey" ? 1 : 3) },
    (_, at) => (at * 7919 + (at >> 3)) % 256,
  );
  return { kind, pixels, rows, columns };
}

for (const kind of ["grey", "rgb"] as const) {
  for (const [rows, columns] of [
    [1, 1],
    [7, 13],
    [64, 48],
  ] as const) {
    test(`a ${kind} picture of ${rows} × ${columns} comes back from its PNG`, () => {
      const picture = noise(kind, rows, columns);
      const [header, ...rest] = chunksOf(encodePng(picture));
      assert.equal(header?.type, "IHDR");
      assert.deepEqual([header.data.readUInt32BE(0), header.data.readUInt32BE(4)], [columns, rows]);
      assert.deepEqual([...header.data.subarray(8)], [8, kind === "grey" ? 0 : 2, 0, 0, 0]);
      assert.deepEqual(
        rest.map(({ type }) => type),
        ["IDAT", "IEND"],
      );
      assert.deepEqual(pixelsOf(inflateSync(rest[0]!.data), rows), picture.pixels);
    });
  }
}

test("a picture whose samples do not fit its shape is a fault of ours", () => {
  assert.throws(() => encodePng({ ...noise("grey", 4, 4), columns: 5 }), /no grey picture of 4 × 5/);
  assert.throws(() => encodePng({ ...noise("grey", 4, 4), kind: "rgb" }), /no rgb picture/);
  assert.throws(() => encodePng({ kind: "grey", pixels: new Uint8Array(0), rows: 0, columns: 0 }));
});

test("a data URI holds the file", () => {
  const picture = noise("grey", 3, 5);
  const [head, body = ""] = dataUri(picture).split(",");
  assert.equal(head, "data:image/png;base64");
  assert.deepEqual(Buffer.from(body, "base64"), Buffer.from(encodePng(picture)));
});
