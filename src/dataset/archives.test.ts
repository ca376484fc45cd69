import assert from "node:assert/strict";
import { copyFileSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { tarOf, zipOf } from "../../test/archives.ts";
import { must, silent } from "../base/index.ts";
import { readHu } from "../ct/index.ts";
import { dicomSlice, folderOf, index, labelTable, newFolder, seriesFiles } from "./folder-fixture.test.ts";
import { buildCache, labelRows, openIndex, queryIndex, type SliceTable, slicePath } from "./index.ts";

/** In the order in which a folder is walked. */
const files: Readonly<Record<string, Uint8Array | string>> = {
  "notes.txt": "no DICOM",
  "short.dcm": dicomSlice({ seed: 99 }).subarray(0, 400),
  ...seriesFiles("stage_2_train", "a", 4),
  ...seriesFiles("stage_2_train", "b", 3),
  "stage_2_train.csv": labelTable({ ID_ax0: ["any"], ID_bx1: [] }),
};

const entries = Object.entries(files).map(([name, data]) => ({ name, data: Buffer.from(data) }));

const archives: Readonly<Record<string, Uint8Array>> = {
  "study.zip": zipOf(entries),
  "deflated.zip": zipOf(entries.map((entry) => ({ ...entry, method: "deflated" as const }))),
  "study.tar": tarOf(entries),
  "study.tar.gz": gzipSync(tarOf(entries)),
};

/** All rows of an index and its ledger, but for paths' beginnings and times. */
async function rowsOf(root: string): Promise<{ readonly rows: unknown; readonly ledger: string }> {
  const summary = must(await index(root));
  const sql = "SELECT * EXCLUDE (mtime_ms) FROM files";
  const { rows } = must(await queryIndex({ path: dirname(summary.index), sql, most: 1000, threads: 1 }));
  return { rows, ledger: readFileSync(summary.ledgerFile, "utf8") };
}

function huOf(table: SliceTable): Int16Array[] {
  return Array.from({ length: table.count }, (_, row) => must(readHu(slicePath(table, row))).hu);
}

async function tableOfRoot(root: string): Promise<SliceTable> {
  return must(await openIndex(must(await index(root)).index));
}

const folder = folderOf(files);

for (const [name, bytes] of Object.entries(archives)) {
  test(`${name}: rows, ledger, labels, HU and cache are those of the folder that was packed`, async () => {
    const archive = join(folderOf({ [name]: bytes }), name);
    assert.deepEqual(await rowsOf(archive), await rowsOf(folder));
    const [packed, plain] = [await tableOfRoot(archive), await tableOfRoot(folder)];
    assert.deepEqual(huOf(packed), huOf(plain));
    assert.equal(packed.hash, plain.hash);
    assert.deepEqual(labelRows(packed), labelRows(plain));
    const cached = await Promise.all([packed, plain].map(cacheOf));
    for (let row = 0; row < plain.count; row++) assert.deepEqual(cached[0]!.read(row), cached[1]!.read(row));
    for (const cache of cached) cache.close();
  });
}

function cacheOf(table: SliceTable) {
  const preprocessing = { values: "hu", size: 8, fieldOfViewMm: "image" } as const;
  const { signal } = new AbortController();
  return buildCache({ table, preprocessing, dir: newFolder(), threads: 2, progress: silent, signal }).then(must);
}

test("archives in a folder lie among its files, their labels too", async () => {
  const root = folderOf({ "data.zip": archives["deflated.zip"]!, "other/plain.dcm": dicomSlice({ seed: 5000 }) });
  const { ledger } = await rowsOf(root);
  assert.match(ledger, /^data\.zip!\/notes\.txt,set aside,not DICOM/m);
  assert.match(ledger, /^data\.zip!\/stage_2_train\.csv,set aside,label table/m);
  assert.match(ledger, /^other\/plain\.dcm,used/m);
  assert.equal((await tableOfRoot(root)).count, 8);
});

test("a fault of a label table in an archive is told by its place there", async () => {
  const path = join(folderOf({ "a.zip": zipOf([{ name: "l.csv", data: Buffer.from("ID,Label\nx,1\n") }]) }), "a.zip");
  const built = await index(folder, { labels: `${path}!/l.csv` });
  assert.equal(built.kind === "problem" && built.problem.where, `${path}!/l.csv → line 2`);
});

test("an archive that was packed anew after the index is noticed by the cache", async () => {
  const path = join(folderOf({ "s.zip": archives["study.zip"]! }), "s.zip");
  const table = await tableOfRoot(path);
  copyFileSync(path, `${path}.new`);
  utimesSync(`${path}.new`, 1, 1);
  renameSync(`${path}.new`, path);
  const preprocessing = { values: "hu", size: 8, fieldOfViewMm: "image" } as const;
  const { signal } = new AbortController();
  const built = await buildCache({ table, preprocessing, dir: newFolder(), threads: 1, progress: silent, signal });
  assert.equal(built.kind === "problem" && built.problem.kind, "files changed");
});

test("a file that is no archive is refused as data, a damaged archive is a line of the ledger", async () => {
  const root = folderOf({
    "a.txt": "text",
    "short.zip": archives["study.zip"]!.subarray(0, 2000),
    "b.dcm": dicomSlice({}),
  });
  const built = await index(join(root, "a.txt"));
  assert.equal(built.kind === "problem" && built.problem.kind, "not a folder");
  assert.match((await rowsOf(root)).ledger, /^short\.zip,failed,truncated archive/m);
  const cut = await index(join(root, "short.zip"));
  assert.equal(cut.kind === "problem" && cut.problem.kind, "no CT slice");
});

test("a folder that vanishes while its headers are read: what is gone is told, the rest goes on", async () => {
  const root = folderOf({ ...seriesFiles("here", "a", 3), ...seriesFiles("gone", "b", 3) });
  const vanish = {
    start(name: string) {
      if (name === "Reading headers") rmSync(join(root, "gone"), { recursive: true });
      return { advance() {}, done() {} };
    },
  };
  const summary = must(await index(root, { progress: vanish }));
  assert.deepEqual([summary.ledger.used, summary.ledger.failed], [3, 3]);
  assert.match(readFileSync(summary.ledgerFile, "utf8"), /^gone\/ID_bx0\.dcm,failed,not found/m);
  writeFileSync(join(root, "here", "ID_ax0.dcm"), dicomSlice({ seed: 7 }));
});
