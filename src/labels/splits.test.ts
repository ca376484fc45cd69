import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { must, permutation, random } from "../base/index.ts";
import {
  anyIndex,
  assignFolds,
  type Component,
  components,
  type Fold,
  folds,
  identicalRows,
  labelCount,
  parseSplit,
  rowsOfFold,
  type Split,
} from "./index.ts";

const fractions = { train: 0.7, validation: 0.15, test: 0.15 };

/** Components of one patient each, with the labels given; `any` follows from them. */
function singles(positives: readonly (readonly number[])[]): Component[] {
  return positives.map((types, index) => ({
    patients: [`patient ${String(index).padStart(4, "0")}`],
    positives: Array.from({ length: labelCount }, (_, label) =>
      (label === anyIndex ? types.length > 0 : types.includes(label)) ? 1 : 0,
    ),
    labelled: 1,
  }));
}

function counts(split: Split, wanted: readonly Component[]): Record<Fold, number> {
  const result = { train: 0, validation: 0, test: 0 };
  for (const { patients } of wanted) for (const patient of patients) result[split.folds[patient]!]++;
  return result;
}

function problem(list: readonly Component[], shares = fractions): string {
  const split = assignFolds(list, { seed: 1, fractions: shares });
  assert.equal(split.kind, "problem");
  return split.kind === "problem" ? split.problem.kind : "";
}

test("patients that share a slice's pixels are one component", () => {
  const patients = ["b", "a", "c", "a", "d", "e"];
  const labels = new Float32Array(6 * labelCount);
  labels[2 * labelCount + anyIndex] = 1;
  labels.fill(Number.NaN, 5 * labelCount);
  const identical = identicalRows(["1", "2", "1", "3", "", undefined]);
  assert.deepEqual(identical, [[0, 2]]);
  assert.deepEqual(components({ patients, labels, identical }), [
    { patients: ["a"], positives: [0, 0, 0, 0, 0, 0], labelled: 1 },
    { patients: ["b", "c"], positives: [0, 0, 0, 0, 0, 1], labelled: 2 },
    { patients: ["d"], positives: [0, 0, 0, 0, 0, 0], labelled: 1 },
    { patients: ["e"], positives: [0, 0, 0, 0, 0, 0], labelled: 0 },
  ]);
});

test("no two patients that share pixels are ever on two sides, in whatever order the rows come", () => {
  const rows = fc.array(
    fc.record({ patient: fc.integer({ min: 0, max: 12 }), pixels: fc.integer({ min: 0, max: 60 }), any: fc.boolean() }),
    { minLength: 30, maxLength: 60 },
  );
  fc.assert(
    fc.property(rows, fc.integer({ min: 0, max: 99 }), (list, seed) => {
      const split = (ordered: typeof list) => {
        const labels = ordered.flatMap(({ any }) => [0, 0, 0, 0, 0, any ? 1 : 0]);
        const identical = identicalRows(ordered.map(({ pixels }) => `${pixels}`));
        const groups = components({ patients: ordered.map(({ patient }) => `${patient}`), labels, identical });
        return assignFolds(permuted(groups, seed), { seed, fractions });
      };
      const result = split(list);
      assert.deepEqual(split(permuted(list, seed)), result);
      if (result.kind === "problem") return;
      const { folds: assigned } = result.value;
      assert.deepEqual(new Set(Object.keys(assigned)), new Set(list.map(({ patient }) => `${patient}`)));
      for (const fold of folds) assert.ok(Object.values(assigned).includes(fold), `${fold} is empty`);
      for (const one of list) {
        for (const other of list) {
          if (one.pixels === other.pixels) assert.equal(assigned[one.patient], assigned[other.patient]);
        }
      }
    }),
    { numRuns: 200, seed: 8 },
  );
});

test("positives, and of each label, spread by the fractions", () => {
  const source = random(4, "labels");
  const list = singles(
    Array.from({ length: 1000 }, () => {
      if (source.uniform() > 0.4) return [];
      const types = [0.02, 0.35, 0.25, 0.3, 0.4].flatMap((share, label) => (source.uniform() < share ? [label] : []));
      return types.length > 0 ? types : [4];
    }),
  );
  const split = must(assignFolds(list, { seed: 3, fractions }));
  assert.deepEqual(counts(split, list), { train: 700, validation: 150, test: 150 });
  for (let label = 0; label < labelCount; label++) {
    const holders = list.filter(({ positives }) => positives[label]! > 0);
    const found = counts(split, holders);
    for (const fold of folds) {
      const wanted = fractions[fold] * holders.length;
      assert.ok(Math.abs(found[fold] - wanted) <= Math.max(1.5, 0.03 * holders.length), `${label} ${fold} ${wanted}`);
    }
  }
});

test("few positives: training first, then the test, then validation, whatever their types", () => {
  const negatives = Array.from({ length: 12 }, () => []);
  const positives = (types: number[][]) => {
    const list = singles([...types, ...negatives]);
    return counts(must(assignFolds(list, { seed: 5, fractions })), list.slice(0, types.length));
  };
  assert.deepEqual(positives([[0]]), { train: 1, validation: 0, test: 0 });
  assert.deepEqual(positives([[0], [1]]), { train: 1, validation: 0, test: 1 });
  assert.deepEqual(positives([[0], [1], [2]]), { train: 1, validation: 1, test: 1 });
  assert.deepEqual(positives([[0], [1], [2], [3, 4], [4]]), { train: 3, validation: 1, test: 1 });
});

test("a large component leaves no fold empty", () => {
  const big: Component = { patients: ["a", "b", "c", "d", "e"], positives: [0, 2, 0, 0, 0, 2], labelled: 5 };
  const list = [big, ...singles([[4], [1]])];
  const split = must(assignFolds(list, { seed: 1, fractions: { train: 0.1, validation: 0.8, test: 0.1 } }));
  assert.equal(new Set(Object.values(split.folds)).size, 3);
  const two = must(assignFolds(list, { seed: 1, fractions: { train: 0.5, validation: 0, test: 0.5 } }));
  assert.deepEqual([...new Set(Object.values(two.folds))].sort(), ["test", "train"]);
});

test("what cannot be split is a problem", () => {
  assert.equal(problem(singles([[1]])), "too few patients");
  assert.equal(
    problem([{ patients: ["a", "b", "c"], positives: [0, 1, 0, 0, 0, 1], labelled: 3 }]),
    "too few patients",
  );
  assert.equal(problem([]), "too few patients");
  assert.equal(problem(singles([[], [], [], []])), "no positive case");
  assert.equal(problem(singles([[], [], [1]]).map((one) => ({ ...one, labelled: 0 }))), "no labels");
  const list = singles([[1], [], []]);
  assert.equal(problem(list, { train: 0.7, validation: 0.7, test: 0.15 }), "fractions");
  assert.equal(problem(list, { train: 0, validation: 0.5, test: 0.5 }), "fractions");
  assert.equal(problem(list, { train: 1.5, validation: -0.5, test: 0 }), "fractions");
  assert.equal(problem(list, { train: Number.NaN, validation: 0.5, test: 0.5 }), "fractions");
});

test("a split survives its file; a changed one is refused", () => {
  const split = must(assignFolds(singles([[1], [], [4], [], []]), { seed: 11, fractions }));
  const text = JSON.stringify(split);
  assert.deepEqual(must(parseSplit(text, "split.json")), split);
  const kinds = [text.slice(1), '{"version":2}', text.replace('"test"', '"train"'), "null"].map((wrong) => {
    const parsed = parseSplit(wrong, "split.json");
    return parsed.kind === "problem" ? parsed.problem.kind : "ok";
  });
  assert.deepEqual(kinds, ["not JSON", "not a split", "changed split", "not a split"]);
});

test("the hash is that of the assignment's lines, as another program would compute it", () => {
  const split = must(assignFolds(singles([[1], [], [4]]), { seed: 2, fractions }));
  const lines = ["0000", "0001", "0002"].map((name) => `"patient ${name}"\t${split.folds[`patient ${name}`]}\n`);
  assert.equal(split.hash, createHash("sha256").update(lines.join("")).digest("hex"));
});

test("a split stays what it was from version to version", () => {
  const list = singles(Array.from({ length: 40 }, (_, index) => (index % 3 === 0 ? [index % 5] : [])));
  const split = must(assignFolds(list, { seed: 2019, fractions }));
  assert.equal(split.hash, "041e36fd93dcc52e9bbf1d8b6448c35b6a4d6967760d9b2f637842351c420ef3");
});

test("the rows of the folds are all rows of the split's patients, once", () => {
  const split = must(assignFolds(singles([[1], [], [4]]), { seed: 2, fractions }));
  const patients = ["patient 0001", "stranger", "patient 0000", "patient 0002", "patient 0001"];
  const rows = folds.flatMap((fold) => [...rowsOfFold(split, patients, fold)]);
  assert.deepEqual(rows.sort(), [0, 2, 3, 4]);
});

test("ten thousand patients are split, each once", () => {
  const list = singles(Array.from({ length: 10_000 }, (_, index) => (index % 3 === 0 ? [index % 5] : [])));
  const split = must(assignFolds(list, { seed: 1, fractions }));
  const patients = list.flatMap(({ patients }) => patients);
  assert.equal(folds.flatMap((fold) => [...rowsOfFold(split, patients, fold)]).length, 10_000);
});

function permuted<T>(list: readonly T[], seed: number): T[] {
  return Array.from(permutation(list.length, random(seed, "test order")), (index) => list[index]!);
}
