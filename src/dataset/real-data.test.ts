import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { must, silent } from "../base/index.ts";
import { readHu } from "../ct/index.ts";
import { walkMedia } from "../dicom/index.ts";
import { index, newFolder } from "./folder-fixture.test.ts";
import { buildCache, labelRows, openIndex } from "./index.ts";

// On real head CT, where the folder that ICHOR_DATA names is there.

const root = process.env["ICHOR_DATA"];
const skip = root === undefined ? "ICHOR_DATA names no folder of real data" : false;
const signal = new AbortController().signal;

test("the index of real data accounts for every file and counts what its notice says", { skip }, async () => {
  const out = newFolder();
  const summary = must(await index(root!, { out }));
  const files: string[] = [];
  for await (const file of walkMedia([root!])) if (file.kind === "file") files.push(file.shown.slice(root!.length + 1));
  const ledger = readFileSync(join(out, "ledger.csv"), "utf8").trimEnd().split("\n").slice(1);
  assert.deepEqual(ledger.map((line) => line.split(",")[0]).sort(), files.sort());
  assert.deepEqual(summary.ledger.used, 1023);
  assert.equal(summary.ledger.failed, 0);
  assert.equal(summary.ledger.found, files.length);
  assert.deepEqual(summary.parts, { train: 873, test: 150, "": 0 });
  assert.deepEqual([summary.patients, summary.studies, summary.series], [64, 64, 64]);
  assert.deepEqual([summary.labelled, summary.unlabelled], [873, 150]);
  assert.deepEqual(summary.positives, {
    epidural: { slices: 1, patients: 1 },
    intraparenchymal: { slices: 59, patients: 14 },
    intraventricular: { slices: 16, patients: 6 },
    subarachnoid: { slices: 29, patients: 9 },
    subdural: { slices: 19, patients: 5 },
    any: { slices: 81, patients: 23 },
  });
  assert.equal(summary.labelTable?.duplicateRows, 0);
});

test("the pixels of real data are those of its reference", { skip }, async () => {
  const table = must(await openIndex(must(await index(root!)).index));
  const dir = newFolder();
  const preprocessing = { values: "hu", size: 32, fieldOfViewMm: 250 } as const;
  const cache = must(await buildCache({ table, preprocessing, dir, threads: 2, progress: silent, signal }));
  const lines = readFileSync(join(root!, "reference.csv"), "utf8").trimEnd().split("\n").slice(1);
  const expected = new Map(lines.map((line) => line.split(",")).map(([path, sha256]) => [path, sha256]));
  assert.equal(expected.size, 1023);
  for (const path of table.paths) {
    const { hu } = must(readHu(join(root!, path)));
    assert.equal(createHash("sha256").update(hu).digest("hex"), expected.get(path), path);
  }
  assert.equal(new Set(cache.pixelHashes).size, new Set(expected.values()).size); // what is alike to one hash is to the other
  assert.deepEqual(cache.failures, []);
  assert.equal(labelRows(table, cache).length, 873);
});

test("heads of tilted series wander less from slice to slice when they are straightened", { skip }, async () => {
  const table = must(await openIndex(must(await index(root!)).index));
  const wandering = async (tilt: "straightened" | "as scanned") => {
    const size = 64;
    const preprocessing = { values: "hu", size, fieldOfViewMm: 256, tilt } as const;
    const cache = must(
      await buildCache({ table, preprocessing, dir: newFolder(), threads: 2, progress: silent, signal }),
    );
    const centres = new Map<number, number[]>(); // of each tilted series, mm down its slices
    for (let row = 0; row < table.count; row++) {
      const centre = rowOfHead(cache.read(row), size) * (256 / size);
      const series = table.seriesIndex[row]!;
      centres.set(series, [...(centres.get(series) ?? []), centre]);
    }
    const tilted = [...centres].filter(([series]) =>
      table.seriesIndex.some((other, row) => other === series && table.shiftsMm[row * 2] !== 0),
    );
    const widths = tilted.map(([, mm]) => spread(mm.filter(Number.isFinite)));
    return { series: tilted.length, meanMm: widths.reduce((sum, width) => sum + width, 0) / widths.length };
  };
  const [scanned, straightened] = [await wandering("as scanned"), await wandering("straightened")];
  assert.equal(straightened.series, scanned.series);
  assert.ok(straightened.meanMm < 0.6 * scanned.meanMm, JSON.stringify({ scanned, straightened }));
});

/** Mean row of what is denser than fat's lower edge: the head, and the head rest, which moves with the table. */
function rowOfHead(slice: Int16Array, size: number): number {
  let [count, rows] = [0, 0];
  for (const [at, hu] of slice.entries()) {
    if (hu <= -200) continue;
    count++;
    rows += Math.floor(at / size);
  }
  return rows / count;
}

/** From the 5th to the 95th percentile. */
function spread(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return at(0.95) - at(0.05);
}
