import assert from "node:assert/strict";
import { test } from "node:test";
import { must, random, silent } from "../base/index.ts";
import { measurePixels } from "./standardisation.ts";

const size = 3;
const source = random(8, "pixels");
const slices = Array.from({ length: 40 }, () =>
  Int16Array.from({ length: size * size }, (_, pixel) => (pixel === 0 ? 7 : source.integer(4000) - 1000)),
);
const cache = { size, read: (row: number) => slices[row]! };

/** The naive witness: two passes over one pixel. */
function naive(rows: Int32Array, pixel: number, value: (stored: number) => number) {
  const values = Array.from(rows, (row) => value(slices[row]![pixel]!));
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  return { mean, deviation };
}

test("mean and deviation of each pixel are those of the rows asked for, seen through the value", async () => {
  const rows = Int32Array.from({ length: 30 }, (_, at) => at + 5);
  const value = (stored: number) => Math.min(1, Math.max(0, stored / 3000));
  const signal = new AbortController().signal;
  const measured = must(await measurePixels(cache, rows, { value, progress: silent, signal }));
  for (let pixel = 0; pixel < size * size; pixel++) {
    const { mean, deviation } = naive(rows, pixel, value);
    const rounding = 1e-7; // float32 of numbers around 1
    assert.ok(Math.abs(measured.mean[pixel]! - mean) < rounding);
    assert.ok(Math.abs(measured.deviation[pixel]! - deviation) < rounding);
  }
  assert.equal(measured.deviation[0], 0, "a pixel that never changes");
});

test("it stops when told to", async () => {
  const rows = Int32Array.from({ length: 40 }, (_, at) => at);
  const options = { value: (stored: number) => stored, progress: silent, signal: AbortSignal.abort() };
  const measured = await measurePixels(cache, rows, options);
  assert.equal(measured.kind === "problem" && measured.problem.kind, "interrupted");
});
