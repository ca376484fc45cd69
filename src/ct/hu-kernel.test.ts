import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cellShift, lendPixels, resample, shiftCells } from "./hu-kernel.ts";
import { prepareSlice, resamplePlainly } from "./prepare.ts";

const cellsOf = fc.array(fc.integer({ min: -32768, max: 32767 }), { minLength: 1, maxLength: 40 });

test("cells of any layout, padding and intercept become what a plain loop makes of them", () => {
  const layouts = fc.record({
    bits: fc.tuple(fc.integer({ min: 1, max: 16 }), fc.nat(15)),
    sign: fc.constantFrom("signed" as const, "unsigned" as const),
    intercept: fc.oneof(fc.integer({ min: -40_000, max: 33_000 }), fc.constantFrom(0, -1024)),
    padding: fc.option(fc.tuple(fc.integer({ min: -40_000, max: 70_000 }), fc.nat(30_000)), { nil: undefined }),
  });
  const same = fc.property(cellsOf, layouts, (cells, { bits: [bitsStored, above], sign, intercept, padding }) => {
    const highBit = Math.min(15, bitsStored - 1 + above);
    const range = padding === undefined ? undefined : ([padding[0] - 0.5, padding[0] + padding[1] + 0.5] as const);
    const shift = cellShift({ bitsStored, highBit, sign, intercept, padding: range });
    fc.pre(shift !== undefined);
    const lent = lendPixels(cells.length)!;
    lent.set(cells);
    shiftCells(lent, shift, -1000);
    const wanted = cells.map((cell) => {
      const bits = Math.floor((cell & 0xffff) / 2 ** (highBit + 1 - bitsStored)) % 2 ** bitsStored;
      const stored = sign === "signed" && bits >= 2 ** (bitsStored - 1) ? bits - 2 ** bitsStored : bits;
      if (range !== undefined && stored >= range[0] && stored <= range[1]) return -1000;
      return Math.min(32767, Math.max(-32768, stored + intercept));
    });
    assert.deepEqual([...lent], wanted);
  });
  fc.assert(same, { numRuns: 1000 });
});

/** Taps of `size` results over `length` places, of any weights. */
const axis = (length: number, size: number) => {
  const weight = fc.double({ min: 0, max: 1, noNaN: true });
  const result = fc.nat(length - 1).chain((first) => {
    const left = length - first;
    const counts = fc.tuple(fc.integer({ min: 0, max: Math.min(1, left) }), fc.nat(2), fc.nat(1));
    return fc.record({
      first: fc.constant(first),
      counts: counts.map(([a, b, c]) => [a, Math.min(b, left - a), Math.min(c, Math.max(0, left - a - b))]),
      weights: fc.tuple(weight, weight, weight),
    });
  });
  return fc.array(result, { minLength: size, maxLength: size }).map((results) => ({
    firsts: Int32Array.from(results, ({ first }) => first),
    counts: Int32Array.from(results.flatMap(({ counts }) => counts)),
    weights: Float64Array.from(results.flatMap(({ weights }) => weights)),
    missing: Float64Array.from(results, ({ counts }) => (counts.every((count) => count === 0) ? 1 : 0.25)),
  }));
};

test("a slice is resampled bit by bit as in plain loops, lent or not", () => {
  const drawn = fc
    .record({
      rows: fc.integer({ min: 1, max: 9 }),
      columns: fc.integer({ min: 1, max: 19 }),
      size: fc.integer({ min: 1, max: 9 }),
    })
    .chain(({ rows, columns, size }) =>
      fc.record({
        columns: fc.constant(columns),
        size: fc.constant(size),
        values: fc
          .array(fc.integer({ min: -32768, max: 32767 }), { minLength: rows * columns, maxLength: rows * columns })
          .map((values) => Int16Array.from(values)),
        across: axis(columns, size),
        down: axis(rows, size),
        low: fc.constantFrom(-32768, -1000),
        high: fc.constantFrom(32767, 3000),
        background: fc.constantFrom(0, -1000),
      }),
    );
  const same = fc.property(drawn, (o) => {
    const inRange = { ...o, high: Math.min(o.high, 3000) }; // four weights of 1 would leave int16
    const wanted = resamplePlainly(inRange);
    assert.deepEqual(resample(inRange), wanted);
    const lent = lendPixels(o.values.length)!;
    lent.set(o.values);
    assert.deepEqual(resample({ ...inRange, values: lent }), wanted);
    assert.deepEqual([...lent], [...o.values]);
  });
  fc.assert(same, { numRuns: 500 });
});

test("a slice that the kernel has no room for is prepared all the same", () => {
  const [rows, columns] = [4, 2 ** 20 + 1];
  assert.equal(lendPixels(rows * columns), undefined);
  const hu = new Int16Array(rows * columns).fill(40);
  const slice = { kind: "hu", hu, rows, columns, pixelSpacing: undefined, repaired: "no" } as const;
  const picture = prepareSlice(slice, { values: "hu", size: 8, fieldOfViewMm: "image" });
  assert.equal(picture.length, 64);
  assert.equal(picture[0], -1000); // the slice is a thin line across the square
});
