import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../base/index.ts";
import { type Augmentation, type Change, drawChange } from "./augment.ts";
import { openWarp } from "./warp.ts";

const size = 9;
const still: Augmentation = { flip: 0, rotateDegrees: 0, scale: 0, shiftPixels: 0 };
const place = { seed: 1, epoch: 0, row: 0 };

function noise(channels: number): Float32Array {
  const source = random(3, "pixels");
  return Float32Array.from({ length: channels * size * size }, () => Math.round(source.normal() * 100));
}

function warp(change: Change, from: Float32Array, outside = -1000): Float32Array {
  const slices = from.length / size ** 2;
  const opened = openWarp({ slices, size, outside });
  opened.slices.set(from);
  const to = new Float32Array(from.length);
  opened.apply(change, [...Array(slices).keys()], to);
  return to;
}

test("no change leaves every value as it is", () => {
  const from = noise(3);
  assert.deepEqual(warp(drawChange(still, size, place), from), from);
});

test("a flip mirrors left and right, exactly", () => {
  const from = noise(2);
  const flipped = warp(drawChange({ ...still, flip: 1 }, size, place), from);
  const expected = Float32Array.from(from, (_, index) => from[index - (index % size) + (size - 1 - (index % size))]!);
  assert.deepEqual(flipped, expected);
});

test("the centre stays where only rotation and size change, and a shift moves it", () => {
  const from = new Float32Array(size * size);
  from[4 * size + 4] = 1000;
  const turned = warp(drawChange({ ...still, rotateDegrees: 45, scale: 0.2 }, size, place), from, 0);
  assert.ok(Math.abs(turned[4 * size + 4]! - 1000) < 1e-3);
  const change = drawChange({ ...still, shiftPixels: 3 }, size, place);
  const shifted = warp(change, from, 0);
  const sum = (weight: (index: number) => number) =>
    shifted.reduce((total, value, index) => total + value * weight(index), 0) / 1000;
  assert.ok(Math.abs(sum((index) => index % size) - (4 - change.affine[2])) < 1e-4);
  assert.ok(Math.abs(sum((index) => Math.floor(index / size)) - (4 - change.affine[5])) < 1e-4);
});

test("changes stay within their bounds, reach both sides, and are the same for the same place", () => {
  const bounds: Augmentation = { flip: 0.5, rotateDegrees: 10, scale: 0.1, shiftPixels: 2, offsetHu: 3 };
  const angles: number[] = [];
  let flips = 0;
  for (let row = 0; row < 400; row++) {
    const { affine } = drawChange(bounds, size, { ...place, row });
    const [a, b, , d, e] = affine;
    if (a * e - b * d < 0) flips++;
    angles.push((Math.atan2(-d, e) * 180) / Math.PI);
    const zoom = 1 / Math.hypot(d, e);
    assert.ok(zoom > 1 / 1.1001 && zoom < 1.1001);
  }
  assert.ok(Math.max(...angles) > 9 && Math.max(...angles) <= 10.001);
  assert.ok(Math.min(...angles) < -9 && Math.min(...angles) >= -10.001);
  assert.ok(flips > 150 && flips < 250, `${flips} flips of 400`);
  assert.deepEqual(drawChange(bounds, size, place), drawChange(bounds, size, place));
});

test("noise and offset have the size asked for, and noise differs between channels", () => {
  const zeros = new Float32Array(3 * size * size);
  const noisy = warp(drawChange({ ...still, noiseHu: 5 }, size, place), zeros);
  const deviation = Math.sqrt(noisy.reduce((sum, value) => sum + value ** 2, 0) / noisy.length);
  assert.ok(deviation > 4 && deviation < 6, `${deviation}`);
  assert.notDeepEqual(noisy.slice(0, size * size), noisy.slice(size * size, 2 * size * size));
  const moved = warp(drawChange({ ...still, offsetHu: 5 }, size, place), zeros);
  assert.ok(moved.every((value) => value === moved[0] && value !== 0));
});
