import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { must, type Progress, type Result, silent } from "../base/index.ts";
import { type Preprocessing, prepareSlice, readHu, readStored } from "../ct/index.ts";
import { identicalRows } from "../labels/index.ts";
import { addFiles, dicomSlice, folderOf, newFolder, seriesFiles, tableOf } from "./folder-fixture.test.ts";
import { buildCache, labelRows, type SliceCache, type SliceTable, slicePath } from "./index.ts";
import { shardSlicesFor } from "./shard.ts";

const preprocessing: Preprocessing = { values: "hu", size: 8, fieldOfViewMm: "image" };

interface Options {
  readonly dir?: string;
  readonly preprocessing?: Preprocessing;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

function cacheOf(table: SliceTable, o: Options = {}): Promise<Result<SliceCache>> {
  const signal = o.signal ?? new AbortController().signal;
  return buildCache({ table, preprocessing, dir: newFolder(), threads: 2, progress: silent, ...o, signal });
}

/** A table of `count` rows over a few files, to fill several shards quickly. */
function repeated(table: SliceTable, count: number): SliceTable {
  const of = <T>(column: readonly T[]) => Array.from({ length: count }, (_, row) => column[row % table.count]!);
  const ofNumbers = (column: Float64Array) =>
    Float64Array.from({ length: count }, (_, row) => column[row % table.count]!);
  const { sizesBytes, mtimesMs, paths } = table;
  return { ...table, count, paths: of(paths), sizesBytes: ofNumbers(sizesBytes), mtimesMs: ofNumbers(mtimesMs) };
}

test("a cached slice equals the slice prepared without a cache, in HU and as stored", async () => {
  const table = await tableOf(folderOf({ ...seriesFiles("train", "a", 3), ...seriesFiles("train", "b", 2) }));
  for (const values of ["hu", "stored"] as const) {
    const wanted = { ...preprocessing, values };
    const cache = must(await cacheOf(table, { preprocessing: wanted }));
    for (let row = 0; row < table.count; row++) {
      const path = slicePath(table, row);
      const slice = values === "hu" ? must(readHu(path)) : must(readStored(path));
      assert.deepEqual(cache.read(row), prepareSlice(slice, wanted));
    }
    cache.close();
  }
});

test("shards are .npy files and are used again as they stand", async () => {
  const table = await tableOf(folderOf(seriesFiles("train", "a", 3)));
  const dir = newFolder();
  const first = must(await cacheOf(table, { dir }));
  assert.deepEqual([first.built, first.reused], [1, 0]);
  const path = join(first.dir, "shard-00000.npy");
  const bytes = readFileSync(path);
  assert.equal(bytes.subarray(0, 6).toString("latin1"), "\x93NUMPY");
  assert.match(bytes.toString("latin1", 10, 128), /'shape': \(3, 8, 8\), \} +\n$/);
  assert.equal(bytes.length, 128 + 3 * 64 * 2);
  const time = statSync(path).mtimeMs;
  const second = must(await cacheOf(table, { dir }));
  assert.deepEqual([second.built, second.reused], [0, 1]);
  assert.equal(statSync(path).mtimeMs, time);
  assert.equal(second.hash, first.hash);
  assert.deepEqual(second.pixelHashes, first.pixelHashes);
  const other = must(await cacheOf(table, { dir, preprocessing: { ...preprocessing, fieldOfViewMm: 12 } }));
  assert.equal(other.built, 1);
  assert.deepEqual(must(await cacheOf(table, { dir })).built, 0, "another preprocessing lies beside it");
});

test("what is missing, cut off or damaged is made again, the rest is kept", async () => {
  const slices = shardSlicesFor(preprocessing.size);
  const table = repeated(await tableOf(folderOf(seriesFiles("train", "a", 3))), 5 * slices - 7);
  const dir = newFolder();
  const whole = must(await cacheOf(table, { dir }));
  assert.equal(whole.built, 5);
  const file = (name: string) => join(whole.dir, name);
  rmSync(file("shard-00000.json")); // interrupted before the sidecar
  truncateSync(file("shard-00001.npy"), 1000);
  writeFileSync(file("shard-00002.json"), '{"version":1,');
  const damaged = readFileSync(file("shard-00003.npy"));
  damaged[500]! ^= 1;
  writeFileSync(file("shard-00003.npy"), damaged);
  const mended = must(await cacheOf(table, { dir }));
  assert.deepEqual([mended.built, mended.reused], [4, 1]);
  assert.equal(mended.hash, whole.hash);
  for (const row of [0, slices, 2 * slices + 1, 3 * slices + 2, table.count - 1]) {
    assert.deepEqual(mended.read(row), prepareSlice(must(readHu(slicePath(table, row))), preprocessing));
  }
});

test("an interrupt leaves whole shards, from which the next call goes on", async () => {
  const table = repeated(await tableOf(folderOf(seriesFiles("train", "a", 3))), 6 * shardSlicesFor(preprocessing.size));
  const dir = newFolder();
  const controller = new AbortController();
  const progress: Progress = { start: () => ({ advance: () => controller.abort(), done() {} }) };
  const stopped = await cacheOf(table, { dir, progress, signal: controller.signal });
  assert.equal(stopped.kind === "problem" && stopped.problem.kind, "interrupted");
  const names = readdirSync(join(dir, "hu-8px-image"));
  const shards = names.filter((name) => name.endsWith(".npy")).length;
  assert.ok(shards > 0 && shards < 6, `${shards} shards`);
  assert.equal(names.length, 2 * shards, names.join(" "));
  const rest = must(await cacheOf(table, { dir }));
  assert.deepEqual([rest.built, rest.reused], [6 - shards, shards]);
});

test("files that changed since they were indexed are noticed", async () => {
  const root = folderOf(seriesFiles("train", "a", 3));
  const dir = newFolder();
  const table = await tableOf(root);
  must(await cacheOf(table, { dir })).close();
  addFiles(root, { "train/ID_ax1.dcm": dicomSlice({ PatientID: "a", seed: 77, z: 5 }) });
  utimesSync(join(root, "train/ID_ax1.dcm"), 1_700_000_000, 1_700_000_000);
  const stale = await cacheOf(table, { dir });
  assert.equal(stale.kind, "problem");
  if (stale.kind === "problem") {
    assert.equal(stale.problem.kind, "files changed");
    assert.equal(stale.problem.where, join(root, "train/ID_ax1.dcm"));
  }
  const again = must(await cacheOf(await tableOf(root), { dir }));
  assert.equal(again.built, 1);
  rmSync(join(root, "train/ID_ax0.dcm"));
  assert.equal((await cacheOf(table, { dir })).kind, "problem");
});

test("slices with equal pixels have equal hashes", async () => {
  const root = folderOf({
    "ID_1.dcm": dicomSlice({ seed: 5, PatientID: "p", SOPInstanceUID: "1.2.7" }),
    "ID_2.dcm": dicomSlice({ seed: 5, PatientID: "q", SeriesInstanceUID: "1.2.8" }),
    "ID_3.dcm": dicomSlice({ seed: 6, PatientID: "q", SeriesInstanceUID: "1.2.8", z: 5 }),
  });
  const table = await tableOf(root);
  const cache = must(await cacheOf(table));
  assert.match(cache.pixelHashes[0] ?? "", /^[0-9a-f]{32}$/);
  assert.deepEqual(
    identicalRows(cache.pixelHashes).map((rows) => rows.map((row) => table.sliceIds[row])),
    [["ID_1", "ID_2"]],
  );
});

test("a slice that cannot be read is recorded and left out, not lost", async () => {
  const root = folderOf(seriesFiles("train", "a", 3));
  const whole = await tableOf(root);
  const path = join(root, "train/ID_ax1.dcm");
  truncateSync(path, statSync(path).size - 100); // after indexing; the table is told so, as if the index had missed it
  const { size, mtimeMs } = statSync(path);
  const sizesBytes = whole.sizesBytes.with(1, size);
  const mtimesMs = whole.mtimesMs.with(1, mtimeMs);
  const table = { ...whole, sizesBytes, mtimesMs, labels: new Float32Array(18) };
  const cache = must(await cacheOf(table));
  assert.deepEqual(
    cache.failures.map(({ row, path: shown }) => [row, shown]),
    [[1, "train/ID_ax1.dcm"]],
  );
  assert.notEqual(cache.failures[0]?.kind, "");
  assert.equal(cache.pixelHashes[1], undefined);
  assert.throws(() => cache.read(1), /row 1/);
  assert.deepEqual([...labelRows(table, cache)], [0, 2]);
  assert.deepEqual([...labelRows(table)], [0, 1, 2]);
});

test("a cache folder that cannot be written is a problem", async () => {
  const table = await tableOf(folderOf(seriesFiles("train", "a", 1)));
  const refused = await cacheOf(table, { dir: join(folderOf({ file: "x" }), "file") });
  assert.equal(refused.kind === "problem" && refused.problem.kind, "not a folder");
});
