import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, deflateRawSync, gzipSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { type ByteSource, openInflater } from "./inflate.ts";
import { openInflated } from "./inflated.ts";

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    read(target, offset) {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      return part.length;
    },
  };
}

/** Bytes that compress a little: a walk, as pixels are, from a fixed seed. */
function pixels(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let state = 12345;
  for (let at = 0, value = 0; at < count; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    value += (state >>> 28) % 3;
    bytes[at] = value;
  }
  return bytes;
}

function inflate(bytes: Uint8Array): { readonly bytes: Buffer; readonly status: string; readonly end: number } {
  const inflater = openInflater(sourceOf(bytes), 0);
  const pieces: Uint8Array[] = [];
  while (inflater.status === "running") pieces.push(inflater.next().slice());
  return { bytes: Buffer.concat(pieces), status: inflater.status, end: inflater.endOffset() };
}

const strategies = {
  "dynamic codes": { level: 9 },
  "fixed codes": { strategy: constants.Z_FIXED },
  "stored blocks": { level: 0 },
  "lone literals": { strategy: constants.Z_HUFFMAN_ONLY },
  "run lengths": { strategy: constants.Z_RLE },
  "small blocks": { memLevel: 1, windowBits: 9 },
};

for (const [name, options] of Object.entries(strategies)) {
  test(`what zlib deflates to ${name} is inflated to the same bytes, up to the stream's end`, () => {
    for (const data of [pixels(700_000), new Uint8Array(300_000), new Uint8Array(0), Uint8Array.of(7)]) {
      const deflated = deflateRawSync(data, options);
      const inflated = inflate(Buffer.concat([deflated, Buffer.from("what follows")]));
      assert.equal(inflated.status, "end");
      assert.ok(inflated.bytes.equals(data));
      assert.equal(inflated.end, deflated.length);
    }
  });
}

test("a stream cut anywhere gives its beginning and is told to be truncated", () => {
  const data = pixels(3000);
  const deflated = deflateRawSync(data);
  for (let cut = 0; cut < deflated.length; cut += 7) {
    const inflated = inflate(deflated.subarray(0, cut));
    assert.equal(inflated.status, "truncated", `cut at ${cut}`);
  }
});

test("where zlib refuses a damaged stream, so does the decoder; where zlib reads one, it reads the same", () => {
  const deflated = deflateRawSync(pixels(2000));
  fc.assert(
    fc.property(fc.nat(deflated.length - 1), fc.nat(255), (at, value) => {
      const changed = Uint8Array.from(deflated);
      changed[at] = value;
      let expected: Uint8Array | undefined;
      try {
        expected = inflateRawSync(changed);
      } catch {
        expected = undefined;
      }
      const inflated = inflate(changed);
      if (expected === undefined) assert.notEqual(inflated.status, "end");
      else assert.ok(inflated.status === "end" && inflated.bytes.equals(expected));
    }),
    { numRuns: 500, seed: 1 },
  );
});

test("any place of a compressed stream can be read, forwards and backwards, also of several gzip members", () => {
  const data = pixels(5_000_000);
  const gzip = Buffer.concat([
    gzipSync(data.subarray(0, 1_700_000), { level: 1 }),
    gzipSync(data.subarray(1_700_000), { level: 1 }),
    Buffer.alloc(512),
  ]);
  for (const [bytes, wrapping] of [
    [deflateRawSync(data, { level: 1 }), { kind: "raw", at: 0 }],
    [gzip, { kind: "gzip" }],
  ] as const) {
    const inflated = openInflated(sourceOf(bytes), wrapping);
    for (const offset of [0, 4_900_000, 100, 1_699_990, 3_000_000, 2_999_000, 4_999_990, 1_048_576, 0]) {
      const target = new Uint8Array(5000);
      const got = inflated.read(target, offset);
      assert.ok(Buffer.from(target.subarray(0, got)).equals(data.subarray(offset, offset + 5000)), `at ${offset}`);
    }
    assert.equal(inflated.read(new Uint8Array(10), 6_000_000), 0);
    assert.equal(inflated.status(), "end");
  }
});

test("a gzip file whose checksum or length is wrong, or that ends early, is noticed", () => {
  const gzip = gzipSync(pixels(100_000));
  const statusOf = (bytes: Uint8Array) => {
    const inflated = openInflated(sourceOf(bytes), { kind: "gzip" });
    inflated.read(new Uint8Array(1), 200_000);
    return inflated.status();
  };
  const changed = (at: number) => Uint8Array.from(gzip, (byte, index) => (index === at ? byte ^ 1 : byte));
  assert.equal(statusOf(gzip), "end");
  assert.equal(statusOf(changed(gzip.length - 8)), "damaged");
  assert.equal(statusOf(changed(gzip.length - 1)), "damaged");
  assert.equal(statusOf(changed(2)), "damaged");
  assert.equal(statusOf(gzip.subarray(0, gzip.length - 3)), "truncated");
  assert.equal(statusOf(gzip.subarray(0, 1000)), "truncated");
});
