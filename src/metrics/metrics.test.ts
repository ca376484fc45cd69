import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  averagePrecision,
  brierScore,
  confusionAt,
  logLoss,
  metrics,
  rocAuc,
  rocCurve,
  sensitivity,
  sensitivityAt,
  specificity,
  specificityAt,
  weightedLogLoss,
  youdenThreshold,
} from "./index.ts";

fc.configureGlobal({ seed: 1 });

/** Two ways of adding up the same float64 terms, up to some 10,000 of them. */
const sumTolerance = 1e-11;

test("nothing, or one class only, is undefined and never NaN", () => {
  for (const metric of Object.values(metrics)) assert.equal(metric.prepare({ scores: [], labels: [] })(), undefined);
  const six = { scores: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], labels: [0, 1, 0, 1, 0, 1] };
  for (const metric of Object.values(metrics)) {
    assert.equal(metric.prepare(six)(metric.takes === "six labels" ? [0] : [0, 0, 0, 0, 0, 0]), undefined);
  }
  assert.equal(rocAuc([0.1, 0.2], [0, 0]), undefined);
  assert.equal(rocAuc([0.1, 0.2], [1, 1]), undefined);
  assert.equal(rocCurve([0.1, 0.2], [1, 1]), undefined);
  assert.equal(youdenThreshold([0.1, 0.2], [0, 0]), undefined);
  assert.equal(averagePrecision([0.1, 0.2], [0, 0]), undefined);
  assert.equal(averagePrecision([0.1, 0.2], [1, 1]), 1);
  assert.equal(sensitivityAt(0.5).prepare({ scores: [0.1], labels: [0] })(), undefined);
  assert.equal(specificityAt(0.5).prepare({ scores: [0.1], labels: [1] })(), undefined);
});

test("a sample that is our own mistake throws", () => {
  assert.throws(() => rocAuc([1], []), /1 scores for 0 labels/);
  assert.throws(() => rocAuc([1], [0.5]), /label 0.5/);
  assert.throws(() => rocAuc([Number.NaN], [1]), /NaN/);
  assert.throws(() => logLoss([1.5], [1]), /probability 1.5/);
  assert.throws(() => brierScore([-1], [1]), /probability -1/);
  assert.throws(() => weightedLogLoss([0.5], [1]), /six/);
});

test("the competition's figures for the label means and for nothing", () => {
  // Shares of the 674,262 slices of stage 1, and the scores that submissions of such constants got.
  const shares = [2761, 32564, 23766, 32122, 42496, 97103].map((count) => count / 674_262);
  const expected = (guess: readonly number[]) => {
    // A slice each of the 64 combinations would need their frequencies; the loss is a sum over labels, so the rows of
    // one label may be counted by themselves.
    const loss = (label: number) => {
      const one = (truth: number) => logLoss([guess[label]!], [truth])!;
      return shares[label]! * one(1) + (1 - shares[label]!) * one(0);
    };
    return (loss(0) + loss(1) + loss(2) + loss(3) + loss(4) + 2 * loss(5)) / 7;
  };
  assert.equal(expected(shares).toFixed(3), "0.232");
  assert.equal(expected([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]).toFixed(3), "0.693");
  assert.equal(expected([0, 0, 0, 0, 0, 0]).toFixed(1), "2.4");
});

test("weighted log loss is the mean over slices of [2 L(any) + the five] / 7", () => {
  const row = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 1 })), {
    minLength: 6,
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (slices) => {
      const scores = slices.flat().map(([probability]) => probability);
      const labels = slices.flat().map(([, label]) => label);
      const slow = slices.map((six) => {
        const losses = six.map(([probability, label]) => logLoss([probability], [label])!);
        return (losses[0]! + losses[1]! + losses[2]! + losses[3]! + losses[4]! + 2 * losses[5]!) / 7;
      });
      close(weightedLogLoss(scores, labels), mean(slow), "weighted log loss");
      const counts = slices.map((_, index) => index % 3);
      const counted = slow.flatMap((value, index) => Array<number>(index % 3).fill(value));
      close(metrics.weightedLogLoss.prepare({ scores, labels })(counts), mean(counted), "counted");
    }),
  );
});

const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1 })), { maxLength: 60 });

test("ROC AUC depends on the ranks alone, and turns over with the scores", () => {
  fc.assert(
    fc.property(rows, (list) => {
      const scores = list.map(([score]) => score);
      const labels = list.map(([, label]) => label);
      const area = rocAuc(scores, labels);
      assert.equal(
        rocAuc(
          scores.map((score) => Math.exp(score / 3)),
          labels,
        ),
        area,
      );
      close(
        rocAuc(
          scores.map((score) => -score),
          labels,
        ),
        area === undefined ? undefined : 1 - area,
        "turned over",
      );
      const order = list.map((_, index) => (index * 7 + 3) % Math.max(1, list.length));
      if (new Set(order).size === list.length) {
        assert.equal(
          rocAuc(
            order.map((row) => scores[row]!),
            order.map((row) => labels[row]!),
          ),
          area,
        );
      }
    }),
  );
});

test("the ROC curve rises from corner to corner, encloses the AUC and holds what its thresholds give", () => {
  fc.assert(
    fc.property(rows, (list) => {
      const sample = { scores: list.map(([score]) => score), labels: list.map(([, label]) => label) };
      const points = rocCurve(sample.scores, sample.labels);
      if (points === undefined) return;
      assert.deepEqual(points[0], { threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, truePositiveRate: 0 });
      let area = 0;
      for (const [at, point] of points.entries()) {
        const confusion = confusionAt(point.threshold, sample);
        assert.equal(sensitivity(confusion), point.truePositiveRate);
        close(specificity(confusion), 1 - point.falsePositiveRate, "specificity");
        const before = points[at - 1];
        if (before === undefined) continue;
        assert.ok(before.falsePositiveRate <= point.falsePositiveRate);
        assert.ok(before.truePositiveRate <= point.truePositiveRate);
        assert.ok(before.threshold > point.threshold);
        const width = point.falsePositiveRate - before.falsePositiveRate;
        area += (width * (point.truePositiveRate + before.truePositiveRate)) / 2;
      }
      assert.deepEqual([points.at(-1)!.falsePositiveRate, points.at(-1)!.truePositiveRate], [1, 1]);
      close(area, rocAuc(sample.scores, sample.labels), "area");
    }),
  );
});

test("Youden's threshold is the best of all, the lowest of several, and lies between two scores", () => {
  fc.assert(
    fc.property(rows, (list) => {
      const sample = { scores: list.map(([score]) => score), labels: list.map(([, label]) => label) };
      const threshold = youdenThreshold(sample.scores, sample.labels);
      if (threshold === undefined) return;
      const index = (at: number) => {
        const confusion = confusionAt(at, sample);
        return sensitivity(confusion)! + specificity(confusion)!;
      };
      for (const score of sample.scores) {
        assert.ok(index(score) <= index(threshold) + 1e-12);
        if (score < threshold - 0.5) assert.ok(index(score) < index(threshold) - 1e-12);
      }
    }),
  );
  // 1/3 − 1/6 and 1 − 5/6 tie, and have no exact binary form: rounding must not choose between them.
  assert.equal(youdenThreshold([1, 3, 1, 0, 3, 1, 1, 1, 1], [0, 1, 0, 0, 0, 0, 1, 1, 0]), 0.5);
  assert.equal(youdenThreshold([0.9, 0.7, 0.3, 0.1], [1, 1, 0, 0]), 0.5);
  assert.equal(youdenThreshold([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [1, 0]), Number.POSITIVE_INFINITY);
});

test("decisions at a threshold: at or above is positive", () => {
  const sample = { scores: [0.2, 0.5, 0.5, 0.9], labels: [0, 1, 0, 1] };
  const confusion = confusionAt(0.5, sample);
  assert.deepEqual(confusion, { truePositives: 2, falsePositives: 1, falseNegatives: 0, trueNegatives: 1 });
  assert.equal(sensitivityAt(0.6).prepare(sample)(), 0.5);
  assert.equal(specificityAt(0.5).prepare(sample)([3, 0, 1, 0]), 0.75);
});

function mean(values: readonly number[]): number | undefined {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined;
}

function close(actual: number | undefined, expected: number | undefined, what: string): void {
  if (actual === undefined || expected === undefined) {
    assert.equal(actual, expected, what);
    return;
  }
  assert.ok(
    Math.abs(actual - expected) <= sumTolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual} ${expected}`,
  );
}
