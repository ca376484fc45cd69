import assert from "node:assert/strict";
import { test } from "node:test";
import { evidenceColours, overlayEvidence, peakOf } from "./overlay.ts";

const size = 16;
const grey = { kind: "grey", pixels: new Uint8Array(size * size).fill(100), rows: size, columns: size } as const;

function mapOf(values: readonly number[]) {
  return { data: Float32Array.from(values), rows: 2, columns: 2, inputSize: size };
}

function pixel(pixels: Uint8Array, row: number, column: number): number[] {
  const at = 3 * (row * size + column);
  return [...pixels.subarray(at, at + 3)];
}

test("no evidence and evidence against a label leave the grey alone", () => {
  const { kind, pixels } = overlayEvidence(grey, mapOf([0, -3, -1, 0]), 2);
  assert.equal(kind, "rgb");
  assert.deepEqual(pixels, new Uint8Array(size * size * 3).fill(100));
});

test("full evidence takes the last colour over the grey, and more than full no other", () => {
  const strong = overlayEvidence(grey, mapOf([2, 2, 2, 2]), 2).pixels;
  const beyond = overlayEvidence(grey, mapOf([9, 9, 9, 9]), 2).pixels;
  const expected = evidenceColours.at(-1)!.map((value) => Math.round(100 + 0.6 * (value - 100)));
  assert.deepEqual(pixel(strong, 8, 8), expected);
  assert.deepEqual(beyond, strong);
});

test("evidence stands where its cell is, and fades between the cells", () => {
  const { pixels } = overlayEvidence(grey, mapOf([4, 0, 0, 0]), 4);
  const red = (row: number, column: number) => pixel(pixels, row, column)[0]!;
  assert.ok(red(0, 0) > red(0, 5), "falls to the right");
  assert.ok(red(0, 0) > red(5, 0), "falls downwards");
  assert.deepEqual(pixel(pixels, 0, 5), pixel(pixels, 5, 0), "rows and columns alike");
  assert.deepEqual(pixel(pixels, 15, 15), [100, 100, 100]);
});

test("the colours rise in lightness, so that they survive a grey print", () => {
  const lightness = evidenceColours.map(([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue);
  assert.deepEqual(
    lightness,
    [...lightness].sort((a, b) => a - b),
  );
});

test("the peak of a map that is all against is 0", () => {
  assert.equal(peakOf(mapOf([-1, -2, -3, -4])), 0);
  assert.equal(peakOf(mapOf([-1, 2.5, 1, 0])), 2.5);
});
