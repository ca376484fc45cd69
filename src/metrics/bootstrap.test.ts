import assert from "node:assert/strict";
import { test } from "node:test";
import { permutation, random } from "../base/index.ts";
import { clusterBootstrap, logLoss, metrics, rocAuc, type Statistic } from "./index.ts";

/** Slices of patients whose scores share a patient's part, as real ones do. */
function sample({ patients, slices, seed = 1 }: { patients: number; slices: number; seed?: number }) {
  const source = random(seed, "bootstrap sample");
  const clusters: string[] = [];
  const scores: number[] = [];
  const labels: number[] = [];
  for (let patient = 0; patient < patients; patient++) {
    const shift = source.normal();
    for (let slice = 0; slice < slices; slice++) {
      const label = patient % 3 === 0 && slice % 4 === 0 ? 1 : 0;
      clusters.push(`patient ${patient}`);
      labels.push(label);
      scores.push(1 / (1 + Math.exp(-(shift + source.normal() + 1.5 * label))));
    }
  }
  return { clusters, scores, labels };
}

test("the interval is that of a slow bootstrap which repeats the drawn patients' rows", () => {
  const { clusters, scores, labels } = sample({ patients: 9, slices: 6 });
  const rounds = 60;
  const statistics = [metrics.rocAuc.prepare({ scores, labels }), metrics.logLoss.prepare({ scores, labels })];
  const fast = clusterBootstrap({ clusters, statistics, rounds, seed: 3 });
  const names = [...new Set(clusters)].sort();
  const slow = [rocAuc, logLoss].map((statistic) => {
    const values: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const source = random(3, "bootstrap", round);
      const rows = names.flatMap(() => {
        const name = names[source.integer(names.length)];
        return [...clusters.keys()].filter((row) => clusters[row] === name);
      });
      const value = statistic(
        rows.map((row) => scores[row]!),
        rows.map((row) => labels[row]!),
      );
      if (value !== undefined) values.push(value);
    }
    values.sort((one, other) => one - other);
    const at = (share: number) => {
      const place = share * (values.length - 1);
      const below = Math.floor(place);
      return values[below]! + (place - below) * ((values[below + 1] ?? 0) - values[below]!);
    };
    return { low: at(0.025), high: at(0.975), rounds: values.length };
  });
  for (const [index, interval] of fast.entries()) {
    assert.ok(Math.abs(interval!.low - slow[index]!.low) < 1e-12);
    assert.ok(Math.abs(interval!.high - slow[index]!.high) < 1e-12);
    assert.equal(interval!.rounds, slow[index]!.rounds);
  }
});

test("the interval does not depend on the order of the rows, and does on the seed", () => {
  const { clusters, scores, labels } = sample({ patients: 12, slices: 8 });
  const interval = (order: ArrayLike<number>, seed: number) => {
    const pick = <T>(values: readonly T[]) => Array.from(order, (row) => values[row]!);
    const statistics = [metrics.rocAuc.prepare({ scores: pick(scores), labels: pick(labels) })];
    return clusterBootstrap({ clusters: pick(clusters), statistics, rounds: 100, seed });
  };
  const rows = scores.map((_, row) => row);
  assert.deepEqual(interval(permutation(rows.length, random(5)), 1), interval(rows, 1));
  assert.notDeepEqual(interval(rows, 2), interval(rows, 1));
});

test("95 % intervals of a mean hold the truth in about 95 % of data sets", () => {
  let held = 0;
  for (let set = 0; set < 200; set++) {
    const source = random(set, "coverage");
    const clusters: string[] = [];
    const values: number[] = [];
    for (let patient = 0; patient < 40; patient++) {
      const shift = source.normal();
      for (let slice = 0; slice < 5; slice++) {
        clusters.push(`${patient}`);
        values.push(shift + source.normal());
      }
    }
    const mean: Statistic = (counts) => {
      const rows = values.reduce((sum, _, row) => sum + counts![row]!, 0);
      return values.reduce((sum, value, row) => sum + counts![row]! * value, 0) / rows;
    };
    const [interval] = clusterBootstrap({ clusters, statistics: [mean], rounds: 200, seed: set });
    if (interval!.low <= 0 && interval!.high >= 0) held++;
  }
  // 200 · 0.95 = 190 with a standard deviation of 3; were slices drawn instead of patients, 149.
  assert.ok(held > 175 && held < 199, `${held} of 200`);
});

test("one patient only, or a statistic that seldom exists, has no interval", () => {
  const { scores, labels } = sample({ patients: 3, slices: 4 });
  const statistics = [metrics.rocAuc.prepare({ scores, labels })];
  const one = scores.map(() => "one");
  assert.deepEqual(clusterBootstrap({ clusters: one, statistics, rounds: 50, seed: 1 }), [undefined]);
  const never: Statistic = () => undefined;
  const two = scores.map((_, row) => `${row % 2}`);
  assert.equal(clusterBootstrap({ clusters: two, statistics: [never], rounds: 50, seed: 1 })[0], undefined);
  assert.deepEqual(clusterBootstrap({ clusters: [], statistics: [], rounds: 50, seed: 1 }), []);
});
