import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../base/index.ts";
import { type Augmentation, type Change, drawChange } from "./augment.ts";
import { noiseLength } from "./noise.ts";
import { beyond, openWarp } from "./warp.ts";

/** Random slices over all that HU or stored values may be. */
function slicesOf(o: { readonly count: number; readonly size: number; readonly low: number; readonly high: number }) {
  const source = random(3, "pixels", o.size);
  const value = () => o.low + source.integer(o.high - o.low + 1);
  return Int16Array.from({ length: o.count * o.size ** 2 }, value);
}

interface Plain {
  readonly slices: Int16Array;
  readonly size: number;
  readonly outside: number;
  readonly channels: readonly number[];
}

/** Interpolation written plainly, a pixel at a time, in float64: the second witness. */
function naive({ affine: [a, b, c, d, e, f] }: Change, { slices, size, outside, channels }: Plain): number[] {
  const at = (slice: number, row: number, column: number) =>
    row < 0 || column < 0 || row >= size || column >= size ? outside : slices[(slice * size + row) * size + column]!;
  const values: number[] = [];
  for (const slice of channels)
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++) {
        const x = a * column + b * row + c;
        const y = d * column + e * row + f;
        const [left, top] = [Math.floor(x), Math.floor(y)];
        let sum = 0;
        for (const dy of [0, 1])
          for (const dx of [0, 1]) {
            const weight = (dx === 1 ? x - left : 1 - x + left) * (dy === 1 ? y - top : 1 - y + top);
            sum += weight * at(slice, top + dy, left + dx);
          }
        values.push(sum);
      }
  return values;
}

const turned: Augmentation = { flip: 0.5, rotateDegrees: 15, scale: 0.1, shiftPixels: 2, noiseHu: 3, offsetHu: 2 };

function warped(change: Change, { slices, size, outside, channels }: Plain): Float32Array {
  const warp = openWarp({ slices: slices.length / size ** 2, size, outside });
  warp.slices.set(slices);
  const to = new Float32Array(channels.length * size ** 2).fill(Number.NaN);
  warp.apply(change, channels, to);
  return to;
}

test("in the warp's own planes results are the same bytes, and their neighbours stay", () => {
  for (const size of [1, 6, 7, 8, 12, 30, 32])
    for (const count of [1, 3, 5]) {
      const slices = slicesOf({ count, size, low: -1000, high: 3000 });
      const channels = Array.from({ length: count }, (_, channel) => channel);
      const change = drawChange(turned, size, { seed: 1, epoch: 0, row: count });
      const warp = openWarp({ slices: count, planes: count + 2, size, outside: -1000 });
      warp.slices.set(slices);
      warp.planes.fill(7);
      warp.apply(change, channels, warp.planes.subarray(size ** 2, (count + 1) * size ** 2));
      const around = new Float32Array(size ** 2).fill(7);
      const expected = [...around, ...warped(change, { slices, size, outside: -1000, channels }), ...around];
      assert.deepEqual([...warp.planes], expected, `${count} of ${size} × ${size}`);
      assert.deepEqual(warp.slices, slices);
    }
});

/**
 * How far a result may lie from the exact one, as a part of the values' range: along each of two axes a position is the
 * sum of two numbers rounded to half of 2⁻¹⁵ pixels, the rounding of one weight to half of 2⁻¹⁵ counts for two
 * differences, and the sum is rounded to float32.
 */
const tolerance = 3 * 2 ** -15 + 2 ** -24;

test("every change is plain interpolation, for all numbers of channels, sizes and ways", () => {
  const augmentation = fc.record({
    flip: fc.constantFrom(0, 0.5, 1),
    rotateDegrees: fc.constantFrom(0, 15, 180),
    scale: fc.constantFrom(0, 0.1, 0.5),
    shiftPixels: fc.constantFrom(0, 6, 40), // 40: beyond most of these slices
  });
  const ranges = fc.constantFrom(
    { low: -1000, high: 3000, outside: beyond.hu },
    { low: -32768, high: 32767, outside: beyond.stored },
  );
  const shapes = fc.record({ size: fc.integer({ min: 1, max: 34 }), channels: fc.constantFrom(1, 2, 3, 4, 5, 9) });
  fc.assert(
    fc.property(augmentation, ranges, shapes, fc.nat(1000), (augment, { low, high, outside }, shape, row) => {
      const { size, channels: count } = shape;
      const plain = {
        slices: slicesOf({ count, size, low, high }),
        size,
        outside,
        channels: Array.from({ length: count }, (_, channel) => (channel * 2 + row) % count), // in any order, repeated
      };
      const change = drawChange(augment, size, { seed: 1, epoch: 0, row });
      const got = warped(change, plain);
      for (const [index, value] of naive(change, plain).entries()) {
        const off = Math.abs(got[index]! - value) / (high - low);
        assert.ok(off <= tolerance, `${got[index]} is not ${value}, at ${index} of ${size} × ${size}`);
      }
    }),
    { seed: 7, numRuns: 150 },
  );
});

test("a position on a pixel gives that pixel, and one far away what lies outside, exactly", () => {
  const plain = {
    slices: slicesOf({ count: 3, size: 9, low: -1000, high: 3000 }),
    size: 9,
    outside: -1000,
    channels: [2],
  };
  const at = (...affine: Change["affine"]): Change => ({ affine, offsetHu: 0, noiseHu: 0, noiseStart: 0 });
  const expected = (change: Change) => Float32Array.from(naive(change, plain));
  for (const change of [at(1, 0, -3, 0, 1, 2), at(0, 1, 0, 1, 0, 0), at(-1, 0, 8, 0, -1, 8), at(2, 0, -4, 0, 2, -4)])
    assert.deepEqual(warped(change, plain), expected(change));
  for (const far of [-1e9, -4096, -2.5, 9, 2048, 4096, 1e9])
    for (const change of [at(1, 0, far, 0, 1, 0), at(1, 0, 0, 0, 1, far)])
      if (Math.abs(far) > 9)
        assert.ok(
          warped(change, plain).every((value) => value === -1000),
          `${far}`,
        );
      else assert.deepEqual(warped(change, plain), expected(change), `${far}`);
});

test("a slice changed among others, before and after them, is the same bytes", () => {
  const augment: Augmentation = {
    flip: 0.5,
    rotateDegrees: 15,
    scale: 0.1,
    shiftPixels: 6,
    noiseHu: 3,
    offsetHu: 2,
  };
  const size = 13;
  const slices = slicesOf({ count: 5, size, low: -1000, high: 3000 });
  const warp = openWarp({ slices: 5, size, outside: -1000 });
  const change = (row: number) => drawChange(augment, size, { seed: 1, epoch: 2, row });
  const apply = (row: number) => {
    const to = new Float32Array(5 * size ** 2);
    warp.slices.set(slices);
    warp.apply(change(row), [0, 1, 2, 3, 4], to);
    return to;
  };
  const first = apply(0);
  for (let row = 1; row < 5; row++) assert.notDeepEqual(apply(row), first);
  assert.deepEqual(apply(0), first);
});

test("noise and offset are added to each pixel, channel after channel from one table that begins again", () => {
  const size = 40;
  const plain = { slices: new Int16Array(5 * size ** 2), size, outside: 0, channels: [0, 1, 2, 3, 4] };
  const still = { affine: [1, 0, 0, 0, 1, 0], offsetHu: 0, noiseHu: 1, noiseStart: 0 } as const;
  const noise = warped(still, plain);
  const later = warped({ ...still, noiseStart: 1000, offsetHu: 0.5, noiseHu: 2 }, plain);
  for (let index = 1000; index < noise.length; index++)
    assert.equal(later[index - 1000], Math.fround(2 * noise[index]! + 0.5));
  const wrapped = warped({ ...still, noiseStart: noiseLength - 100 }, plain);
  assert.deepEqual(wrapped.subarray(100), noise.subarray(0, noise.length - 100));
});

test("the least and the greatest values there are do not overflow, whatever their weights", () => {
  const size = 6;
  for (const value of [-32768, 32767]) {
    const plain = { slices: new Int16Array(size ** 2).fill(value), size, outside: value, channels: [0] };
    for (let row = 0; row < 50; row++) {
      const augment = { flip: 0.5, rotateDegrees: 180, scale: 0.5, shiftPixels: 3 };
      const same = warped(drawChange(augment, size, { seed: 1, epoch: 0, row }), plain);
      assert.ok(
        same.every((one) => one === value),
        `${same}`,
      );
    }
  }
});

test("slices that are too large, and rows that reach too far for positions in 32 bits, are refused", () => {
  assert.throws(() => openWarp({ slices: 1, size: 8193, outside: 0 }), /8192/);
  const warp = openWarp({ slices: 1, size: 8, outside: 0 });
  const apply = (a: number, d: number) => {
    const change = { affine: [a, 0, 0, d, 1, 0], offsetHu: 0, noiseHu: 0, noiseStart: 0 } as const;
    warp.apply(change, [0], new Float32Array(64));
  };
  apply(4094, -4094);
  for (const far of [4096, -4096, Number.NaN]) assert.throws(() => apply(far, 0), /reaches over/);
  for (const far of [4096, -4096, Number.NaN]) assert.throws(() => apply(0, far), /reaches over/);
});
