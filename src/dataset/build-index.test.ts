import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { must, type Progress, type Result } from "../base/index.ts";
import { labelCount } from "../labels/index.ts";
import { addFiles, dicomSlice, folderOf, index, labelTable, newFolder, seriesFiles } from "./folder-fixture.test.ts";
import { buildIndex, openIndex, queryIndex } from "./index.ts";
import { indexVersion } from "./index-sql.ts";

const ledgerOf = (out: string) => readFileSync(join(out, "ledger.csv"), "utf8").trimEnd().split("\n");

function problemOf(result: Result<unknown>) {
  assert.equal(result.kind, "problem", "a problem was expected");
  return result.kind === "problem" ? result.problem : assert.fail();
}

/** Two patients of the train part with labels, one of the test part, and files of other kinds. */
function mixedFolder(): string {
  const train = { ...seriesFiles("stage_2_train", "b", 4), ...seriesFiles("stage_2_train", "a", 3) };
  const ids = Object.keys(train).map((path) => path.slice(path.indexOf("ID_"), -".dcm".length));
  return folderOf({
    ...train,
    ...seriesFiles("stage_2_test", "c", 2),
    "stage_2_train.csv": labelTable({
      ...Object.fromEntries(ids.map((id) => [id, []])),
      ID_ax1: ["subdural", "any"],
      ID_gone: [],
    }),
    "notes.txt": "not a slice",
    "other/mr.dcm": dicomSlice({ Modality: "MR", SOPInstanceUID: "1.2.9.1" }),
    "other/cut.dcm": dicomSlice({ SOPInstanceUID: "1.2.9.2" }).slice(0, -40),
  });
}

test("an index accounts for every file and holds patients, series and labels", async () => {
  const root = mixedFolder();
  const out = newFolder();
  const summary = must(await index(root, { out }));
  assert.deepEqual(
    { ...summary.ledger, reasons: undefined },
    { found: 13, used: 9, setAside: 3, failed: 1, reasons: undefined },
  );
  assert.equal(summary.ledger.reasons["label table"], 1);
  assert.deepEqual([summary.patients, summary.studies, summary.series], [3, 3, 3]);
  assert.deepEqual(summary.parts, { train: 7, test: 2, "": 0 });
  assert.deepEqual([summary.labelled, summary.unlabelled], [7, 2]);
  assert.deepEqual(summary.positives.subdural, { slices: 1, patients: 1 });
  assert.deepEqual(summary.positives.epidural, { slices: 0, patients: 0 });
  assert.deepEqual(summary.pixelGroups, { "16/signed/-1024": 9 });
  assert.deepEqual(
    { ...summary.labelTable, path: "" },
    { path: "", rows: 48, slices: 8, duplicateRows: 0, withoutImage: 1 },
  );
  assert.equal(readFileSync(join(out, "labels-without-images.csv"), "utf8"), "slice_id\nID_gone\n");
  const ledger = ledgerOf(out);
  assert.equal(ledger[0], "path,status,kind,detail");
  assert.equal(ledger.length, 1 + 13);
  assert.ok(ledger.includes("stage_2_train/ID_ax0.dcm,used,,"), ledger.join("\n"));
  assert.ok(ledger.some((line) => line.startsWith("other/mr.dcm,set aside,")));
  assert.ok(ledger.some((line) => line.startsWith("other/cut.dcm,failed,")));
  assert.deepEqual(readdirSync(out).sort(), ["index.parquet", "labels-without-images.csv", "ledger.csv"]);
});

test("the table is sorted by patient and place, with labels where there are some", async () => {
  const root = mixedFolder();
  const table = must(await openIndex(must(await index(root)).index));
  assert.equal(table.root, root);
  assert.deepEqual(table.patients, ["a", "a", "a", "b", "b", "b", "b", "c", "c"]);
  assert.deepEqual([...table.seriesIndex], [0, 0, 0, 1, 1, 1, 1, 2, 2]);
  assert.deepEqual(table.sliceIds.slice(0, 4), ["ID_ax0", "ID_ax1", "ID_ax2", "ID_bx0"]);
  assert.equal(table.paths[0], "stage_2_train/ID_ax0.dcm");
  assert.deepEqual([table.part[0], table.part[8]], ["train", "test"]);
  assert.deepEqual([...table.labels.subarray(labelCount, 2 * labelCount)], [0, 0, 0, 0, 1, 1]);
  assert.ok(Number.isNaN(table.labels[8 * labelCount]));
  assert.equal(table.sizesBytes[0], readFileSync(join(root, "stage_2_train/ID_ax0.dcm")).length);
});

test("slices are ordered along the normal whatever their names", async () => {
  const at = (name: string, seed: number, z: number) => ({ [`ID_${name}.dcm`]: dicomSlice({ seed, z }) });
  const table = must(
    await openIndex(must(await index(folderOf({ ...at("1", 1, 20), ...at("2", 2, 0), ...at("3", 3, 10) }))).index),
  );
  assert.deepEqual(table.sliceIds, ["ID_2", "ID_3", "ID_1"]);
});

test("an index does not depend on the order or the place of the files", async () => {
  const a = seriesFiles("stage_2_train", "a", 3);
  const b = seriesFiles("stage_2_train", "b", 3);
  const labels = labelTable({ ID_ax0: ["any"] });
  const one = must(await openIndex(must(await index(folderOf({ "stage_2_train.csv": labels, ...a, ...b }))).index));
  const turned = Object.fromEntries(Object.entries({ ...b, ...a }).reverse());
  const other = must(
    await openIndex(must(await index(folderOf({ ...turned, "deep/stage_1_train.csv": labels }))).index),
  );
  assert.equal(other.hash, one.hash);
  assert.deepEqual(other.sliceIds, one.sliceIds);
  const unlabelled = must(await openIndex(must(await index(folderOf({ ...a, ...b }))).index));
  assert.notEqual(unlabelled.hash, one.hash);
});

test("a CSV file of another name is told apart from the rest, with what to do if it holds the labels", async () => {
  const out = newFolder();
  const root = folderOf({ ...seriesFiles("scans", "a", 2), "labels.csv": labelTable({ ID_ax0: [] }), "b.txt": "" });
  assert.equal(must(await index(root, { out })).ledger.reasons["table"], 1);
  const line = ledgerOf(out).find((one) => one.startsWith("labels.csv"));
  assert.match(line ?? "", /^labels\.csv,set aside,table,.*--labels/);
  assert.equal(must(await index(root, { out, labels: join(root, "labels.csv") })).labelled, 1);
});

test("images without any label table are indexed without labels", async () => {
  const summary = must(await index(folderOf(seriesFiles("scans", "a", 3))));
  assert.deepEqual([summary.labelled, summary.unlabelled], [0, 3]);
  assert.equal(summary.labelTable, undefined);
  assert.deepEqual(summary.parts, { train: 0, test: 0, "": 3 });
});

test("many files are read by worker threads and all accounted for", async () => {
  const patients = Array.from({ length: 30 }, (_, patient) => seriesFiles(`deep/${patient % 3}`, `p${patient}`, 20));
  const root = folderOf(Object.assign({ "a.txt": "no slice" }, ...patients));
  const seen: [string, number][] = [];
  const progress: Progress = {
    start(what, total) {
      seen.push([what, total]);
      return { advance: (steps) => seen.push(["step", steps]), done() {} };
    },
  };
  const signal = new AbortController().signal;
  const summary = must(await buildIndex({ root, out: newFolder(), threads: 2, progress, signal }));
  assert.deepEqual([summary.ledger.found, summary.ledger.used, summary.patients, summary.series], [601, 600, 30, 30]);
  assert.deepEqual(
    seen
      .slice(0, 4)
      .map(([, count]) => count)
      .sort((a, b) => a - b),
    [89, 256, 256, 601],
  );
});

test("the series of two studies in one folder are kept apart, and sizes may mix", async () => {
  const other = { StudyInstanceUID: "1.2.98", SeriesInstanceUID: "1.2.99" };
  const root = folderOf({
    "a.dcm": dicomSlice({ seed: 1, z: 0 }),
    "b.dcm": dicomSlice({ seed: 2, z: 2.5, ...other, Rows: 24, Columns: 24 }),
    "c.dcm": dicomSlice({ seed: 3, z: 5 }),
    "d.dcm": dicomSlice({ seed: 4, z: 7.5, ...other, Rows: 24, Columns: 24 }),
  });
  const summary = must(await index(root));
  assert.deepEqual([summary.patients, summary.studies, summary.series], [1, 2, 2]);
  const table = must(await openIndex(summary.index));
  assert.deepEqual(table.paths, ["a.dcm", "c.dcm", "b.dcm", "d.dcm"]);
  assert.deepEqual([...table.seriesIndex], [0, 0, 1, 1]);
});

test("of two files with one slice ID the first is used, the other set aside by name", async () => {
  const root = folderOf({
    "a/ID_1.dcm": dicomSlice({}),
    "b/ID_1.dcm": dicomSlice({}),
    "c/ID_2.dcm": dicomSlice({ seed: 2 }),
  });
  const out = newFolder();
  const summary = must(await index(root, { out }));
  assert.deepEqual(summary.ledger.reasons, { "duplicate slice": 1 });
  assert.ok(ledgerOf(out).includes("b/ID_1.dcm,set aside,duplicate slice,the same slice ID as a/ID_1.dcm"));
});

test("of two files with one slice ID the larger is used, as a copy may have been cut off", async () => {
  const whole = dicomSlice({ ImageComments: "whole" });
  const root = folderOf({ "a/ID_1.dcm": dicomSlice({}), "b/ID_1.dcm": whole, "c/ID_1.dcm": whole });
  const out = newFolder();
  assert.deepEqual(must(await index(root, { out })).ledger.reasons, { "duplicate slice": 2 });
  const ledger = ledgerOf(out);
  assert.ok(ledger.includes("a/ID_1.dcm,set aside,duplicate slice,the same slice ID as b/ID_1.dcm"));
  assert.ok(ledger.includes("c/ID_1.dcm,set aside,duplicate slice,the same slice ID as b/ID_1.dcm"));
});

test("a slice without a PatientID is used under its study, and remarked", async () => {
  const root = folderOf({
    "ID_1.dcm": dicomSlice({ PatientID: "" }),
    "ID_2.dcm": dicomSlice({ seed: 2, z: 5, PatientID: "" }),
  });
  const summary = must(await index(root));
  assert.deepEqual(
    summary.remarks.filter(({ kind }) => kind.startsWith("no PatientID")).map(({ count }) => count),
    [2],
  );
});

test("a folder without CT slices is a problem that says what is in it", async () => {
  assert.equal(problemOf(await index(newFolder())).kind, "no CT slice");
  const { kind, got } = problemOf(await index(folderOf({ "a.txt": "a", "b.dcm": dicomSlice({ Modality: "MR" }) })));
  assert.equal(kind, "no CT slice");
  assert.match(got, /^2 files: /);
  assert.equal(problemOf(await index("/nowhere/at/all")).kind, "not found");
  assert.equal(problemOf(await index(join(folderOf({ file: "x" }), "file"))).kind, "not a folder");
});

test("a label table that fits no slice is a problem, and the old index stands", async () => {
  const root = folderOf(seriesFiles("train", "a", 2));
  const out = newFolder();
  must(await index(root, { out }));
  const before = readFileSync(join(out, "index.parquet"));
  const labels = join(folderOf({ "other.csv": labelTable({ ID_z: [], ID_y: [] }) }), "other.csv");
  const problem = problemOf(await index(root, { out, labels }));
  assert.equal(problem.kind, "labels fit no slice");
  assert.equal(problem.where, labels);
  assert.deepEqual(readFileSync(join(out, "index.parquet")), before);
  assert.equal(problemOf(await index(root, { out, labels: "/nowhere.csv" })).kind, "not found");
  assert.deepEqual(readdirSync(out).sort(), ["index.parquet", "ledger.csv"]);
});

test("of several label tables the one above the others is taken, and two side by side are a problem", async () => {
  const good = labelTable({ ID_ax0: ["any"] });
  const bad = labelTable({ ID_ax0: [] });
  const files = { ...seriesFiles("stage_2_train", "a", 1), "deep/stage_2_train.csv": bad, "stage_1_train.csv": bad };
  const summary = must(await index(folderOf({ ...files, "stage_2_train.csv": good })));
  assert.equal(summary.positives.any.slices, 1);
  const two = problemOf(await index(folderOf({ ...files, "deep2/stage_2_train.csv": good })));
  assert.equal(two.kind, "two label tables");
  assert.match(two.got, /^deep\/stage_2_train.csv and deep2/);
});

test("an output folder that cannot be written is a problem", async () => {
  const root = folderOf(seriesFiles("train", "a", 1));
  const file = join(folderOf({ file: "x" }), "file");
  assert.equal(problemOf(await index(root, { out: join(file, "out") })).kind, "not a folder");
});

test("an index inside the data folder does not count itself, and is written over", async () => {
  const root = folderOf(seriesFiles("train", "a", 2));
  const first = must(await index(root, { out: root }));
  mkdirSync(join(root, ".ichor-index-999999999")); // as a killed run leaves it
  const second = must(await index(root, { out: root }));
  assert.deepEqual(second.ledger, first.ledger);
  addFiles(root, seriesFiles("train", "b", 2));
  assert.equal(must(await index(root, { out: root })).ledger.used, 4);
  assert.deepEqual(readdirSync(root).sort(), ["index.parquet", "ledger.csv", "train"]);
});

test("links that loop and links to nowhere are accounted for", async () => {
  const root = folderOf(seriesFiles("train", "a", 2));
  symlinkSync(root, join(root, "train", "loop"));
  symlinkSync("/nowhere", join(root, "broken"));
  const summary = must(await index(root));
  assert.equal(summary.ledger.used, 2);
  assert.equal(summary.ledger.found, summary.ledger.used + summary.ledger.setAside + summary.ledger.failed);
  assert.equal(summary.ledger.failed, 1);
});

test("an interrupt is a problem of its kind and leaves nothing behind", async () => {
  const root = folderOf(seriesFiles("train", "a", 2));
  const out = newFolder();
  assert.equal(problemOf(await index(root, { out, signal: AbortSignal.abort() })).kind, "interrupted");
  assert.deepEqual(readdirSync(out), []);
});

test("names with quotes and characters of patterns are names like others", async () => {
  const root = join(newFolder(), "it's [a] *folder*");
  addFiles(root, { ...seriesFiles("stage_2_train", "a", 1), "stage_2_train.csv": labelTable({ ID_ax0: [] }) });
  const summary = must(await index(root, { out: join(root, "o'ut [1]") }));
  assert.equal(summary.labelled, 1);
  assert.equal(must(await openIndex(join(root, "o'ut [1]"))).root, root);
});

test("how a slice was made stands in the index, empty where its header does not say", async () => {
  const told = dicomSlice({
    seed: 1,
    SliceThickness: 1.25,
    ConvolutionKernel: "H40s",
    ImageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
    SeriesDescription: "HEAD",
    BodyPartExamined: "HEAD",
    ContrastBolusAgent: "NONE",
    AcquisitionNumber: 2,
    SeriesNumber: 3,
    InstanceNumber: 4,
    PixelPaddingValue: -2000,
  });
  const summary = must(await index(folderOf({ "a.dcm": told, "b.dcm": dicomSlice({ seed: 2, z: 5 }) })));
  const sql = `SELECT slice_thickness_mm, kernel, image_type, series_description, body_part, contrast, acquisition,
    series_number, instance_number, padding, hu_by, frame FROM slices ORDER BY path`;
  assert.deepEqual(must(await queryIndex({ path: summary.index, sql, most: 10, threads: 1 })).rows, [
    [1.25, "H40s", "ORIGINAL\\PRIMARY\\AXIAL", "HEAD", "HEAD", "no", 2, 3, 4, [-2000, -2000], "line", null],
    [null, null, null, null, null, "unknown", null, null, null, null, "line", null],
  ]);
});

test("an index of an older version is refused by its number, with what to do", async () => {
  const summary = must(await index(folderOf(seriesFiles("scans", "a", 1))));
  const bytes = readFileSync(summary.index, "latin1");
  const [now, before] = [`"version":${indexVersion}`, `"version":${indexVersion - 1}`];
  assert.ok(bytes.includes(now));
  writeFileSync(summary.index, bytes.replace(now, before), "latin1");
  const { kind, got, expected, next } = problemOf(await openIndex(summary.index));
  assert.deepEqual([kind, got, expected], ["not an index", "an index of version 1", "an index of version 2"]);
  assert.match(next, /ichor index/);
});

test("what is no index is refused when it is opened", async () => {
  const folder = newFolder();
  assert.equal(problemOf(await openIndex(folder)).kind, "not found");
  writeFileSync(join(folder, "index.parquet"), "no Parquet");
  assert.equal(problemOf(await openIndex(folder)).kind, "not an index");
  assert.ok(existsSync(join(folder, "index.parquet")));
});
