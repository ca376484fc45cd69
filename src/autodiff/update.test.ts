import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../base/index.ts";
import { averageKeep, type LossScale, nextLossScale } from "./update.ts";

test("the average of the parameters is their weighted mean, without the first ones, which are random", () => {
  const source = random(1, "average");
  for (const decay of [0, 0.5, 0.9, 0.999]) {
    const seen: number[] = [];
    let average = source.normal(); // the parameters before the first step
    for (let step = 1; step <= 60; step++) {
      seen.push(source.normal());
      const keep = averageKeep(decay, step);
      average = keep * average + (1 - keep) * seen.at(-1)!;
      const weights = seen.map((_, index) => decay ** (step - 1 - index));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const mean = seen.reduce((sum, value, index) => sum + value * weights[index]!, 0) / total;
      assert.ok(Math.abs(average - mean) < 1e-12, `${decay}, step ${step}: ${average} instead of ${mean}`);
    }
  }
});

test("a loss scale halves at every overflow, never below 1, and doubles after so many steps in a row without one", () => {
  const after = (steps: readonly boolean[], from: LossScale) =>
    steps.reduce<LossScale>((scale, finite) => nextLossScale(scale, finite, 3), from);
  const start = { scale: 8, since: 0 };
  assert.deepEqual(after([true, true], start), { scale: 8, since: 2 });
  assert.deepEqual(after([true, true, true], start), { scale: 16, since: 0 });
  assert.deepEqual(after([true, true, false, true, true], start), { scale: 4, since: 2 });
  assert.deepEqual(after(Array(9).fill(false), start), { scale: 1, since: 0 });
});
