import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { must, random, silent } from "../src/base/index.ts";
import { buildIndex, openIndex } from "../src/dataset/index.ts";
import { detectWith, findingsSchema } from "../src/detection/index.ts";
import { ctImageStorage, type WritableElements, writeDicom } from "../src/dicom/index.ts";
import { detectorInfo } from "./detector-info.ts";

// What a hospital sends for one head: everything that was made of it, and a little more.

const root = mkdtempSync(join(tmpdir(), "ichor-messy-"));
after(() => rmSync(root, { recursive: true, force: true }));
const rim = { threads: 1, progress: silent, signal: new AbortController().signal };

const coronal = [1, 0, 0, 0, 0, -1];
const sagittal = [0, 1, 0, 0, 0, -1];

/** A folder of the study: its number of slices, their distance, and what their headers say. */
interface Folder {
  readonly count: number;
  readonly stepMm?: number;
  readonly elements: WritableElements;
  /** What the ledger is to say of its files: status, kind, detail. */
  readonly fate: readonly [status: string, kind: string, detail: string];
}

const used = ["used", "", ""] as const;

const study: Readonly<Record<string, Folder>> = {
  "1-scout": {
    count: 1,
    elements: { ImageType: ["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient: sagittal },
    fate: ["set aside", "localizer", "ImageType says LOCALIZER"],
  },
  "2-head": {
    count: 30,
    elements: { SeriesDescription: "Head w/o 5.0", ConvolutionKernel: "H31s", SliceThickness: 5 },
    fate: used,
  },
  "3-thin": {
    count: 40,
    stepMm: 3,
    elements: { SeriesDescription: "Head w/o 0.6", ConvolutionKernel: "H31s", SliceThickness: 0.6 },
    fate: ["set aside", "series not chosen", "thinner: 0.6 mm against 5 mm"],
  },
  "4-bone": {
    count: 30,
    elements: { SeriesDescription: "Head bone 5.0", ConvolutionKernel: "H60s", SliceThickness: 5 },
    fate: ["set aside", "bone kernel", "kernel H60s"],
  },
  "5-contrast": {
    count: 30,
    elements: { SeriesDescription: "Head +C 5.0", ContrastBolusAgent: "IOMERON 300", SliceThickness: 5 },
    fate: ["set aside", "series not chosen", "with contrast agent"],
  },
  "6-coronal": {
    count: 30,
    elements: { ImageType: ["DERIVED", "SECONDARY", "MPR"], ImageOrientationPatient: coronal },
    fate: ["set aside", "reformat", "coronal by its orientation"],
  },
  "7-dose": {
    count: 1,
    elements: { SOPClassUID: "1.2.840.10008.5.1.4.1.1.88.67", Modality: "SR", PixelData: undefined },
    fate: ["set aside", "dose report", "a structured report of the dose, not an image"],
  },
  "8-screen": {
    count: 1,
    elements: { SOPClassUID: "1.2.840.10008.5.1.4.1.1.7", Modality: "OT" },
    fate: ["set aside", "secondary capture", "a screen shot, not a reconstruction"],
  },
  "9-neck": {
    count: 50,
    elements: { SeriesDescription: "C-Spine 2.0", BodyPartExamined: "CSPINE", SliceThickness: 2 },
    fate: ["set aside", "not a head", "the description says neck"],
  },
  "10-cta": {
    count: 40,
    elements: { SeriesDescription: "CTA Head 1.0", ContrastBolusAgent: "IOMERON 300" },
    fate: ["set aside", "angiography", "the description says CTA"],
  },
};

/** A slice of 16 × 16 pixels of 15 mm, of noise that its names decide. */
function sliceOf(series: string, index: number, { stepMm = 5, elements }: Folder): WritableElements {
  const source = random(5, series, index);
  const way = index * stepMm;
  const upright = elements.ImageOrientationPatient === coronal;
  return {
    SOPClassUID: ctImageStorage,
    SOPInstanceUID: `1.2.${series.split("-")[0]}.${index}`,
    Modality: "CT",
    PatientID: "P",
    StudyInstanceUID: "1.2",
    SeriesInstanceUID: `1.2.${series.split("-")[0]}`,
    SeriesNumber: Number(series.split("-")[0]),
    InstanceNumber: index + 1,
    ImageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
    ImagePositionPatient: upright ? [-120, way, 120] : [-120, -120, way],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Rows: 16,
    Columns: 16,
    PixelSpacing: [15, 15],
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    RescaleIntercept: -1024,
    RescaleSlope: 1,
    PixelData: Int16Array.from({ length: 256 }, () => source.integer(2000)),
    ...elements,
  };
}

/** What the ledger is to say of each file, by its path in the folder. */
const expected = new Map<string, string>();

function write(path: string, content: Uint8Array, fate: Folder["fate"]): void {
  mkdirSync(dirname(join(root, "data", path)), { recursive: true });
  writeFileSync(join(root, "data", path), content);
  expected.set(path, fate.join());
}

for (const [name, folder] of Object.entries(study)) {
  for (let index = 0; index < folder.count; index++)
    write(`${name}/${index}`, writeDicom(sliceOf(name, index, folder)), folder.fate);
}
const head = study["2-head"] ?? assert.fail();
const third = sliceOf("2-head", 3, head);
write("a copy", writeDicom(third), ["set aside", "duplicate slice", "…"]);
const renamed = { ...third, SOPInstanceUID: "1.2.2.300" };
write("2-head/again", writeDicom(renamed), ["set aside", "duplicate slice", "the same position and pixels as 1.2.2.3"]);
const other = { ...sliceOf("2-head", 99, head), ImageOrientationPatient: sagittal };
write("2-head/side", writeDicom(other), ["set aside", "other plane", "sagittal in a series of axial slices"]);
write("readme.txt", new TextEncoder().encode("no DICOM"), ["set aside", "not DICOM", "…"]);

/** Holds a ledger against what is expected of each file, and its sums against the number of files. */
function checkLedger(file: string, prefix: string): void {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n").slice(1);
  const told = new Map(
    lines.map((line) => {
      const [path = "", ...rest] = line.slice(prefix.length).split(",");
      const said = rest.join().replaceAll('"', "");
      return [path, expected.get(path)?.endsWith("…") ? said.replace(/^([^,]*,[^,]*,).*/, "$1…") : said];
    }),
  );
  assert.equal(lines.length, expected.size);
  assert.deepEqual(new Map([...told].sort()), new Map([...expected].sort()));
}

const reasons = {
  angiography: 40,
  "bone kernel": 30,
  "dose report": 1,
  "duplicate slice": 2,
  localizer: 1,
  "not DICOM": 1,
  "not a head": 50,
  "other plane": 1,
  reformat: 30,
  "secondary capture": 1,
  "series not chosen": 70,
};

test("a messy study: the index uses one series and has a reason for each other file", async () => {
  const out = join(root, "index");
  const summary = must(await buildIndex({ root: join(root, "data"), out, ...rim }));
  const { found, used: read, setAside, failed } = summary.ledger;
  assert.deepEqual([found, read, setAside, failed], [257, 30, 227, 0]);
  assert.deepEqual(summary.ledger.reasons, reasons);
  checkLedger(summary.ledgerFile, "");
  const table = must(await openIndex(out));
  assert.deepEqual(
    table.paths,
    Array.from({ length: 30 }, (_, index) => `2-head/${index}`),
  );
});

test("a messy study: detection reads one series, and says of each other one why not", async () => {
  const info = detectorInfo({
    preprocessing: { values: "hu", size: 16, fieldOfViewMm: 240, tilt: "straightened" },
    evidence: "none",
  });
  const detector = {
    info,
    hash: "",
    score: async (_: Float32Array, slices: number) => {
      return { sliceLogits: new Float32Array(slices * 6), studyLogits: new Float32Array(6), evidence: undefined };
    },
  };
  const out = join(root, "found");
  const input = join(root, "data");
  const summary = must(await detectWith(detector, { inputs: [input], out, ...rim }));
  const { found, used: read, setAside, failed } = summary.ledger;
  assert.deepEqual([found, read, setAside, failed], [257, 30, 227, 0]);
  assert.deepEqual(summary.ledger.reasons, reasons);
  checkLedger(join(out, "ledger.csv"), `${input}/`);
  assert.equal(readFileSync(join(out, "predictions.csv"), "utf8").trimEnd().split("\n").length, 1 + 30 * 6);
  const [record] = findingsSchema.parse(JSON.parse(readFileSync(join(out, "findings.json"), "utf8"))).studies;
  assert.ok(record?.status === "analysed");
  assert.equal(record.series.uid, "1.2.2");
  assert.equal(
    record.series.because,
    "the first of 3 head CT series by the rules (7 series in all); the next: thinner: 0.6 mm against 5 mm",
  );
  assert.deepEqual(
    record.otherSeries.map(({ uid, status, because }) => `${uid} ${status}: ${because}`),
    [
      "1.2.3 not chosen: thinner: 0.6 mm against 5 mm",
      "1.2.5 not chosen: with contrast agent",
      "1.2.10 set aside: angiography: the description says CTA",
      "1.2.4 set aside: bone kernel: kernel H60s",
      "1.2.6 set aside: reformat: coronal by its orientation",
      "1.2.9 set aside: not a head: the description says neck",
    ], // the best first; then those set aside, as they were found
  );
  assert.deepEqual(record.notes, ["1 slice set aside: other plane", "1 slice set aside: duplicate slice"]);
});
