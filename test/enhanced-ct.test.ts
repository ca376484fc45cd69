import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { must, silent } from "../src/base/index.ts";
import { readSliceHeader, type SliceHeader } from "../src/ct/index.ts";
import { buildCache, buildIndex, openIndex } from "../src/dataset/index.ts";
import { detect, type Findings, findingsSchema } from "../src/detection/index.ts";
import { type WritableElements, writeDicom } from "../src/dicom/index.ts";
import { exportDetector, initialise, models } from "../src/models/index.ts";
import { makePhantom } from "../src/phantom/index.ts";
import { detectorInfo } from "./detector-info.ts";

// One file with all slices of a series (Enhanced CT, PS3.3 A.38) is the same data as a file for each.

const root = mkdtempSync(join(tmpdir(), "ichor-enhanced-"));
after(() => rmSync(root, { recursive: true, force: true }));
const signal = new AbortController().signal;
const common = { threads: 1, progress: silent, signal };
const preprocessing = { values: "hu", size: 32, fieldOfViewMm: 240 } as const;

interface ClassicSlice {
  readonly header: SliceHeader;
  readonly pixels: Uint8Array;
}

/** The slices of a folder of classic files, by series. */
function seriesOf(folder: string): readonly (readonly ClassicSlice[])[] {
  const series = new Map<string, ClassicSlice[]>();
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const outcome = readSliceHeader(path);
    assert.ok(outcome.kind === "slice");
    const slices = series.get(outcome.header.series) ?? [];
    slices.push({ header: outcome.header, pixels: readFileSync(path).subarray(outcome.dataSet.pixelData?.offset) });
    series.set(outcome.header.series, slices);
  }
  return [...series.values()];
}

/** Per-frame functional groups of a slice: its place and its rescale. */
function groupsOf({ position, slope, intercept }: SliceHeader): WritableElements {
  return {
    CTImageFrameTypeSequence: [{ FrameType: ["ORIGINAL", "PRIMARY", "AXIAL", "NONE"] }],
    PlanePositionSequence: [{ ImagePositionPatient: position }],
    PixelValueTransformationSequence: [{ RescaleIntercept: intercept, RescaleSlope: slope, RescaleType: "HU" }],
  };
}

/** A file of several frames, in the order given; the first slice says what all share. */
function enhancedOf(
  slices: readonly ClassicSlice[],
  groups = slices.map(({ header }) => groupsOf(header)),
): Uint8Array {
  const { header } = slices[0] ?? assert.fail();
  const { series, orientation, pixelSpacing, sign, ...rest } = header;
  return writeDicom({
    SOPClassUID: "1.2.840.10008.5.1.4.1.1.2.1",
    SOPInstanceUID: `${series}.1`,
    Modality: "CT",
    PatientID: rest.patient,
    StudyInstanceUID: rest.study,
    SeriesInstanceUID: series,
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    NumberOfFrames: slices.length,
    Rows: rest.rows,
    Columns: rest.columns,
    BitsAllocated: rest.bitsAllocated,
    BitsStored: rest.bitsStored,
    HighBit: rest.highBit,
    PixelRepresentation: sign === "signed" ? 1 : 0,
    SharedFunctionalGroupsSequence: [
      {
        PlaneOrientationSequence: [{ ImageOrientationPatient: orientation }],
        PixelMeasuresSequence: [{ PixelSpacing: pixelSpacing }],
      },
    ],
    PerFrameFunctionalGroupsSequence: groups,
    PixelData: new Uint8Array(Buffer.concat(slices.map(({ pixels }) => pixels))),
  });
}

/** Two phantom studies as classic files, and the same as one Enhanced CT a study, its frames from head to feet. */
async function folders(): Promise<{ readonly classic: string; readonly enhanced: string; readonly slices: number }> {
  const out = join(root, "phantom");
  const made = must(await makePhantom({ ...common, out, studies: 2, testStudies: 0, seed: 3, matrix: 48, slices: 7 }));
  const [classic, enhanced] = [join(out, "stage_2_train"), join(root, "enhanced")];
  mkdirSync(enhanced);
  for (const [index, slices] of seriesOf(classic).entries()) {
    const turned = [...slices].sort((a, b) => (b.header.position?.[2] ?? 0) - (a.header.position?.[2] ?? 0));
    writeFileSync(join(enhanced, `study${index}.dcm`), enhancedOf(turned));
  }
  return { classic, enhanced, slices: made.slices };
}

const data = folders();

/** A detector file of a random network. */
function newDetector(): string {
  const network = models.cnn.build({ size: 32, neighbours: 3, width: 4 }, "slices");
  const info = detectorInfo({ preprocessing, neighbours: 3, windows: [{ name: "brain", center: 40, width: 80 }] });
  const path = join(root, "model.onnx");
  writeFileSync(path, exportDetector(network, initialise(network, 1), info));
  return path;
}

const model = newDetector();

async function picturesOf(folder: string) {
  const index = must(await buildIndex({ ...common, root: folder, out: `${folder}-index` }));
  const table = must(await openIndex(index.index));
  const cache = must(await buildCache({ ...common, table, preprocessing, dir: `${folder}-cache` }));
  const pictures = Array.from({ length: table.count }, (_, row) => cache.read(row));
  cache.close();
  return { index, table, hashes: cache.pixelHashes, pictures };
}

test("an index of Enhanced CT has a row a slice, its ledger a row a file, its cache the same pictures", async () => {
  const { classic, enhanced, slices } = await data;
  const [one, other] = [await picturesOf(classic), await picturesOf(enhanced)];
  assert.deepEqual([one.table.count, other.table.count], [slices, slices]);
  assert.deepEqual([one.index.ledger.used, other.index.ledger.found, other.index.ledger.used], [slices, 2, 2]);
  assert.deepEqual(other.table.patients, one.table.patients);
  assert.deepEqual([...other.table.frames], [6, 5, 4, 3, 2, 1, 0, 6, 5, 4, 3, 2, 1, 0]); // feet to head
  assert.match(other.table.sliceIds[0] ?? "", /:7$/); // frames count from 1 where people see them
  assert.deepEqual(other.hashes, one.hashes);
  assert.deepEqual(other.pictures, one.pictures);
  assert.ok(new Set(one.hashes).size === slices);
});

test("a detector says the same of an Enhanced CT as of the classic files", async () => {
  const { classic, enhanced, slices } = await data;
  const findingsOf = async (folder: string) => {
    const out = `${folder}-findings`;
    const { ledger } = must(await detect({ ...common, inputs: [folder], out, model }));
    const findings: Findings = findingsSchema.parse(JSON.parse(readFileSync(join(out, "findings.json"), "utf8")));
    const studies = findings.studies.flatMap((study) => (study.status === "analysed" ? study : []));
    studies.sort((a, b) => (a.study < b.study ? -1 : 1));
    return { ledger, studies, lines: readFileSync(join(out, "predictions.csv"), "utf8").trimEnd().split("\n") };
  };
  const [one, other] = [await findingsOf(classic), await findingsOf(enhanced)];
  assert.deepEqual([one.ledger.used, other.ledger.used, other.ledger.found], [slices, 2, 2]);
  const said = ({ studies }: typeof one) =>
    studies.map(({ probabilities, slices }) => [
      probabilities,
      slices.map(({ probabilities, alongNormalMm, evidence }) => [probabilities, alongNormalMm, evidence]),
    ]);
  assert.deepEqual(said(other), said(one));
  assert.equal(other.lines.length, 1 + 6 * slices);
  const slice = other.studies[0]?.slices[0];
  assert.deepEqual([slice?.frame, slice?.sliceId], [7, `${slice?.sop}:7`]);
  assert.ok(other.lines.some((line) => line.startsWith(`${slice?.sliceId}_any,`)));
});

test("frames that cannot be used are told from those that can, in the index and in a detection", async () => {
  const { classic } = await data;
  const slices = seriesOf(classic)[0] ?? assert.fail();
  const groups = slices.map(({ header }) => groupsOf(header));
  groups[1] = { ...groups[1], CTImageFrameTypeSequence: [{ FrameType: ["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"] }] };
  groups[4] = { ...groups[4], PlanePositionSequence: undefined };
  const folder = join(root, "mixed");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.dcm"), enhancedOf(slices, groups));
  writeFileSync(join(folder, "b.dcm"), enhancedOf(slices, groups)); // the same frames again
  writeFileSync(join(folder, "c.dcm"), enhancedOf(slices, groups.slice(1))); // groups for six of seven frames
  writeFileSync(join(folder, "d.dcm"), enhancedOf(slices).subarray(0, -2));
  const table = (text: string) => text.trimEnd().split("\n").slice(1);
  const wanted = [
    'a.dcm,used,,"2 of 7 frames left out: localizer, multi-frame"',
    'b.dcm,set aside,duplicate slice,"7 of 7 frames left out: duplicate slice, localizer, multi-frame"',
    "c.dcm,set aside,multi-frame,6 items of functional groups for 7 frames",
    `d.dcm,failed,truncated,${7 * 48 * 48 * 2 - 2} bytes of pixel data; expected ${7 * 48 * 48 * 2} (PS3.3 C.7.6.3)`,
  ];
  const { index } = await picturesOf(folder);
  const ledger = table(readFileSync(index.ledgerFile, "utf8"));
  assert.deepEqual(ledger, wanted);
  assert.deepEqual([index.ledger.found, index.ledger.used, index.unlabelled], [4, 1, 5]);
  const out = join(root, "mixed-findings");
  const detected = must(await detect({ ...common, inputs: [folder], out, model }));
  const lines = table(readFileSync(join(out, "ledger.csv"), "utf8")).map((line) => line.replace(`${folder}/`, ""));
  assert.deepEqual(lines.sort(), wanted);
  assert.deepEqual([detected.ledger.found, detected.ledger.used], [4, 1]);
});
