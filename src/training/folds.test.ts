import assert from "node:assert/strict";
import { test } from "node:test";
import { must } from "../base/index.ts";
import type { SliceCache, SliceTable } from "../dataset/index.ts";
import { folds, labelCount } from "../labels/index.ts";
import { defaultConfig } from "./config.ts";
import { countFolds, notesOn, splitPatients, truthOf } from "./folds.ts";
import { foldRows, type OpenedData } from "./run-data.ts";

interface FakeSlice {
  readonly patient: string;
  /** Of all six labels at once; NaN where there is none. */
  readonly label: number;
  /** `undefined`: the pixels could not be read. */
  readonly pixels: string | undefined;
}

function openedData(slices: readonly FakeSlice[]): OpenedData {
  const labels = Float32Array.from({ length: slices.length * labelCount }, (_, at) => {
    return slices[Math.floor(at / labelCount)]!.label;
  });
  const table = { count: slices.length, patients: slices.map(({ patient }) => patient), labels } as Partial<SliceTable>;
  const failed = slices.flatMap(({ pixels }, row) => (pixels === undefined ? [row] : []));
  const failures = failed.map((row) => ({ row, path: "", kind: "truncated", detail: "" }));
  const cache = { pixelHashes: slices.map(({ pixels }) => pixels), failures } as Partial<SliceCache>;
  return { table: table as SliceTable, cache: cache as SliceCache };
}

/** Twelve patients of two slices each; every other one positive. */
const twelve = Array.from({ length: 24 }, (_, row): FakeSlice => {
  const patient = Math.floor(row / 2);
  return { patient: `p${patient}`, label: patient % 2, pixels: `pixels ${row}` };
});
const config = defaultConfig("cnn");

test("patients who share pixels stand in one fold, whichever of them has labels", () => {
  for (let seed = 0; seed < 20; seed++) {
    const shared = twelve.map((slice, row) => (row === 0 || row === 22 ? { ...slice, pixels: "the same" } : slice));
    const split = must(splitPatients(openedData(shared), { split: { ...config.split, seed } }));
    assert.equal(split.folds["p0"], split.folds["p11"]);
  }
});

test("patients without labels that can be used are not split", () => {
  const slices: FakeSlice[] = [
    ...twelve,
    { patient: "unlabelled", label: Number.NaN, pixels: "a" },
    { patient: "unreadable", label: 1, pixels: undefined },
  ];
  const opened = openedData(slices);
  const split = must(splitPatients(opened, config));
  assert.equal(Object.keys(split.folds).length, 12);
  const rows = foldRows(opened, split);
  const all = folds.flatMap((fold) => [...rows[fold]]).sort((one, other) => one - other);
  assert.deepEqual(
    all,
    twelve.map((_, row) => row),
  );
});

test("counts are of patients, slices and positive slices, and half a vote counts as positive", () => {
  const opened = openedData([...twelve.slice(0, 4), { patient: "p9", label: 0.5, pixels: "x" }]);
  const rows = { train: Int32Array.of(0, 1, 2), validation: Int32Array.of(3, 4), test: new Int32Array() };
  const counts = countFolds(opened.table, rows);
  assert.deepEqual([counts.train.patients, counts.train.slices, counts.train.positives.any], [2, 3, 1]);
  assert.deepEqual([counts.validation.patients, counts.validation.positives.epidural], [2, 2]);
  assert.deepEqual([counts.test.patients, counts.test.slices], [0, 0]);
  assert.deepEqual([...truthOf(opened.table, Int32Array.of(4, 0))], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
});

test("notes say what is drawn more often than it is, and what small data cannot tell", () => {
  const opened = openedData(twelve);
  const rows = (train: number[], validation: number[]) => {
    const counts = countFolds(opened.table, {
      train: Int32Array.from(train),
      validation: Int32Array.from(validation),
      test: new Int32Array(),
    });
    return (positiveShare: number | "as found", batchSize: number) =>
      notesOn(counts, { config: { ...config, positiveShare }, batchSize }).join("\n");
  };
  const good = rows([0, 1, 4, 5, 2], [0, 2]);
  assert.equal(good("as found", 32), "");
  assert.match(good(0.75, 32), /75\.0 % of what is trained on, and 20\.0 %/);
  assert.match(good("as found", 5), /fewer than a batch of 32/);
  assert.match(rows([0], [0, 1])("as found", 32), /no positive slice to learn from: epidural.*\nno positive slice in/s);
  assert.match(rows([2], [])("as found", 32), /validation fold is empty/);
});
