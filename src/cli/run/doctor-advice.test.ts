import assert from "node:assert/strict";
import { test } from "node:test";
import { advise } from "./doctor-advice.ts";
import type { TrainingRate } from "./doctor-measure.ts";

const rate = (over: Partial<TrainingRate>): TrainingRate => ({
  size: 128,
  batch: 32,
  threads: 1,
  provider: "cpu",
  form: "fastest",
  ran: "blocked (8)",
  stepMs: 160,
  slicesPerSecond: 200,
  memoryBytes: 400e6,
  ...over,
});
const plenty = 32e9; // bytes

test("threads are recommended as far as each makes training faster", () => {
  const main = [rate({}), rate({ threads: 4, slicesPerSecond: 600 }), rate({ threads: 8, slicesPerSecond: 610 })];
  assert.equal(advise({ main, beside: [] }, plenty)?.threads, 4);
  assert.equal(advise({ main: main.slice(0, 1), beside: [] }, plenty)?.threads, 1);
});

test("time and memory go with the pixels; an epoch of 1,000 slices is done in a minute", () => {
  const advice = advise({ main: [rate({})], beside: [] }, plenty);
  const [coarsest, , double] = advice?.resolutions ?? [];
  assert.deepEqual([coarsest?.size, coarsest?.epoch1000Seconds, coarsest?.epoch100000Seconds], [128, 5, 500]);
  assert.deepEqual([double?.size, double?.epoch1000Seconds, double?.cache1000Bytes], [256, 20, 131_072_000]);
  assert.equal(advice?.size, 384); // 45 s; 512 would take 80
  assert.equal(advice?.batchSize, 32);
});

test("where memory is short the batch is halved until a step fits", () => {
  assert.equal(advise({ main: [rate({})], beside: [] }, 1e9)?.batchSize, 16);
  assert.equal(advise({ main: [rate({})], beside: [] }, 0.1e9)?.batchSize, 1);
});

test("the provider is the fastest of those that trained the same network", () => {
  const beside = [rate({ slicesPerSecond: 300 }), rate({ provider: "webgpu", slicesPerSecond: 900 })];
  assert.equal(advise({ main: [rate({})], beside }, plenty)?.provider, "webgpu");
});

test("nothing is recommended where nothing was timed", () => {
  assert.equal(advise({ main: [], beside: [] }, plenty), undefined);
});
