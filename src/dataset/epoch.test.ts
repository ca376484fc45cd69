import assert from "node:assert/strict";
import { test } from "node:test";
import { anyIndex, labelCount } from "../labels/index.ts";
import { planEpoch } from "./epoch.ts";

const rows = Int32Array.from({ length: 50 }, (_, index) => index * 2);
const labels = new Float32Array(100 * labelCount);
const isPositive = (row: number) => row % 20 === 0; // 5 of the 50 rows
for (const row of rows) if (isPositive(row)) labels[row * labelCount + anyIndex] = 1;

const flat = (batches: readonly Int32Array[]) => batches.flatMap((batch) => [...batch]);

test("an epoch deals each row once at most, in whole batches, in an order of its own", () => {
  const plan = planEpoch(rows, labels, { seed: 1, epoch: 0, batchSize: 8 });
  assert.equal(plan.length, 6);
  assert.ok(plan.every((batch) => batch.length === 8));
  const dealt = flat(plan);
  assert.equal(new Set(dealt).size, 48);
  assert.ok(dealt.every((row) => rows.includes(row)));
  assert.deepEqual(planEpoch(rows, labels, { seed: 1, epoch: 0, batchSize: 8 }), plan);
  assert.notDeepEqual(planEpoch(rows, labels, { seed: 1, epoch: 1, batchSize: 8 }), plan);
  assert.notDeepEqual(planEpoch(rows, labels, { seed: 2, epoch: 0, batchSize: 8 }), plan);
});

test("fewer rows than a batch make one smaller batch, no rows none", () => {
  const plan = planEpoch(rows.subarray(0, 5), labels, { seed: 1, epoch: 0, batchSize: 8 });
  assert.deepEqual(
    plan.map((batch) => [...batch].sort((a, b) => a - b)),
    [[0, 2, 4, 6, 8]],
  );
  assert.deepEqual(planEpoch(new Int32Array(0), labels, { seed: 1, epoch: 0, batchSize: 8 }), []);
});

test("positives come as often as asked, all of them alike, and the number of draws stays", () => {
  const plan = flat(planEpoch(rows, labels, { seed: 1, epoch: 0, batchSize: 10, positiveShare: 0.4 }));
  assert.equal(plan.length, 50);
  assert.equal(plan.filter(isPositive).length, 20);
  for (const row of rows.filter(isPositive)) assert.equal(plan.filter((one) => one === row).length, 4);
  const negatives = plan.filter((row) => !isPositive(row));
  assert.equal(new Set(negatives).size, negatives.length);
});

test("a share below their own, no positive or nothing else leaves the rows as they are", () => {
  const options = { seed: 1, epoch: 0, batchSize: 10 };
  assert.equal(flat(planEpoch(rows, labels, { ...options, positiveShare: 0.05 })).filter(isPositive).length, 5);
  const negatives = rows.filter((row) => !isPositive(row)).subarray(0, 40);
  assert.equal(new Set(flat(planEpoch(negatives, labels, { ...options, positiveShare: 0.5 }))).size, 40);
});
