import assert from "node:assert/strict";
import { test } from "node:test";
import { learningRate } from "./schedule.ts";

test("cosine rises over the warm-up, peaks, and falls towards 0", () => {
  const rate = (step: number) => learningRate({ schedule: "cosine", warmup: 0.1, learningRate: 2 }, step, 100);
  assert.equal(rate(0), 0.2);
  assert.equal(rate(9), 2);
  assert.equal(rate(10), 2);
  assert.ok(Math.abs(rate(55) - 1) < 1e-12);
  assert.ok(rate(99) > 0 && rate(99) < 0.001);
  for (let step = 11; step < 100; step++) assert.ok(rate(step) < rate(step - 1));
});

test("constant stays, and one step alone is taken at the full rate", () => {
  assert.equal(learningRate({ schedule: "constant", warmup: 0.1, learningRate: 0.1 }, 0, 10), 0.1);
  assert.equal(learningRate({ schedule: "cosine", warmup: 0.05, learningRate: 0.1 }, 0, 1), 0.1);
});
