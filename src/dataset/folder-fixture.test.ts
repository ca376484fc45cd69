import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { must, type Result, silent } from "../base/index.ts";
import { readSliceHeader } from "../ct/index.ts";
import { type WritableElements, writeDicom } from "../dicom/index.ts";
import { labels } from "../labels/index.ts";
import { buildIndex, type IndexOptions, type IndexSummary, openIndex, type SliceTable } from "./index.ts";

// Folders of small CT slices for the tests of this room.

const base = mkdtempSync(join(tmpdir(), "ichor-dataset-"));
after(() => rmSync(base, { recursive: true, force: true }));
let folders = 0;

/** A new empty folder that goes when the tests end. */
export function newFolder(): string {
  const folder = join(base, String(folders++));
  mkdirSync(folder);
  return folder;
}

/** Writes files by their paths under a new folder, and gives the folder. */
export function folderOf(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = newFolder();
  addFiles(folder, files);
  return folder;
}

export function addFiles(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** A CT slice of 16 × 16 pixels, of noise that `seed` names, in the header of the competition's files. */
export function dicomSlice({
  seed = 1,
  z = 0,
  ...elements
}: WritableElements & { seed?: number; z?: number }): Uint8Array {
  const rows = Number(elements.Rows ?? 16);
  const columns = Number(elements.Columns ?? 16);
  const pixels = Int16Array.from({ length: rows * columns }, (_, index) => 1024 + ((index * 37 + seed * 101) % 211));
  return writeDicom({
    SOPInstanceUID: `1.2.3.${seed}`,
    Modality: "CT",
    PatientID: "P1",
    StudyInstanceUID: "1.2.1",
    SeriesInstanceUID: "1.2.2",
    ImagePositionPatient: [-8, -8, z],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Rows: rows,
    Columns: columns,
    PixelSpacing: [1, 1],
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    RescaleIntercept: -1024,
    RescaleSlope: 1,
    PixelData: pixels,
    ...elements,
  });
}

/** The files of one patient with one series of `count` slices 5 mm apart, as `folder/ID_<patient>_<slice>.dcm`. */
export function seriesFiles(folder: string, patient: string, count: number): Record<string, Uint8Array> {
  const seed = [...patient].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 10_000;
  const slices = Array.from({ length: count }, (_, slice): [string, Uint8Array] => [
    `${folder}/ID_${patient}x${slice}.dcm`,
    dicomSlice({
      PatientID: patient,
      StudyInstanceUID: `1.2.${seed}.1`,
      SeriesInstanceUID: `1.2.${seed}.2`,
      SOPInstanceUID: `1.2.${seed}.3.${slice}`,
      seed: seed + slice * 3,
      z: slice * 5,
    }),
  ]);
  return Object.fromEntries(slices);
}

/** A label table: slice IDs with the labels that are 1. */
export function labelTable(slices: Readonly<Record<string, readonly string[]>>): string {
  const lines = Object.entries(slices).flatMap(([id, positive]) =>
    labels.map((label) => `${id}_${label},${positive.includes(label) ? 1 : 0}\n`),
  );
  return `ID,Label\n${lines.join("")}`;
}

/** Indexes a folder into another one. */
export function index(
  root: string,
  o: Partial<Pick<IndexOptions, "out" | "labels" | "signal" | "progress">> = {},
): Promise<Result<IndexSummary>> {
  const signal = o.signal ?? new AbortController().signal;
  return buildIndex({
    root,
    out: o.out ?? newFolder(),
    labels: o.labels,
    threads: 1,
    progress: o.progress ?? silent,
    signal,
  });
}

/** The table of a folder, indexed on the way. */
export async function tableOf(root: string): Promise<SliceTable> {
  const summary = must(await index(root));
  return must(await openIndex(summary.index));
}

test("a slice of the fixture is read as a CT slice", () => {
  const folder = folderOf(seriesFiles("stage_2_train", "a", 1));
  const outcome = readSliceHeader(join(folder, "stage_2_train/ID_ax0.dcm"));
  assert.equal(outcome.kind, "slice", JSON.stringify(outcome));
});
