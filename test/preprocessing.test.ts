import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { must, random, silent } from "../src/base/index.ts";
import type { Preprocessing } from "../src/ct/index.ts";
import { buildCache, buildIndex, openIndex, openLoader } from "../src/dataset/index.ts";
import { detectWith, findingsSchema } from "../src/detection/index.ts";
import { type WritableElements, writeDicom } from "../src/dicom/index.ts";
import { detectorInfo } from "./detector-info.ts";

const root = mkdtempSync(join(tmpdir(), "ichor-preprocessing-"));
after(() => rmSync(root, { recursive: true, force: true }));

const signal = new AbortController().signal;

/** What differs between the series: tilt, spacing, shape, and how the values are stored. */
const series: readonly { readonly slices: number; readonly spacing: number; readonly changes: WritableElements }[] = [
  { slices: 9, spacing: 5, changes: {} },
  {
    slices: 7,
    spacing: 4,
    changes: { ImageOrientationPatient: [1, 0, 0, 0, 0.9272, -0.3746], PixelSpacing: [1.1, 1.1] },
  },
  { slices: 5, spacing: 5, changes: { BitsStored: 12, HighBit: 11, PixelRepresentation: 0, RescaleIntercept: -1000 } },
  { slices: 4, spacing: 5, changes: { BitsStored: 12, HighBit: 11, PixelRepresentation: 0, RescaleIntercept: 0 } },
  { slices: 3, spacing: 2.5, changes: { Rows: 80, Columns: 120, PixelSpacing: [1.5, 1.2] } },
  { slices: 1, spacing: 5, changes: { PhotometricInterpretation: "MONOCHROME1", RescaleSlope: 2 } },
  { slices: 3, spacing: 5, changes: { PixelPaddingValue: 900, PixelPaddingRangeLimit: 100 } },
  {
    slices: 2,
    spacing: 5,
    changes: {
      ModalityLUTSequence: [
        { LUTDescriptor: [4096, 0, 16], LUTData: Uint16Array.from({ length: 4096 }, (_, at) => at / 2) },
      ],
    },
  },
];

/** Slices in the competition's layout, whose file names say nothing of their order, with noise as pixels. */
function writeData(folder: string): void {
  mkdirSync(join(folder, "stage_2_train"), { recursive: true });
  for (const [index, { slices, spacing, changes }] of series.entries()) {
    for (let at = 0; at < slices; at++) {
      const source = random(7, "slice", index, at);
      const sop = `ID_${source.integer(2 ** 31).toString(16)}`;
      const { Rows = 96, Columns = 96 } = changes;
      const count = Number(Rows) * Number(Columns);
      const elements: WritableElements = {
        SOPInstanceUID: sop,
        Modality: "CT",
        PatientID: `ID_p${index}`,
        StudyInstanceUID: `ID_s${index}`,
        SeriesInstanceUID: `ID_r${index}`,
        ImagePositionPatient: [-100, -100, at * spacing],
        ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
        PixelSpacing: [2, 2],
        SamplesPerPixel: 1,
        PhotometricInterpretation: "MONOCHROME2",
        Rows,
        Columns,
        BitsAllocated: 16,
        BitsStored: 16,
        HighBit: 15,
        PixelRepresentation: 1,
        RescaleIntercept: -1024,
        RescaleSlope: 1,
        PixelData: Uint16Array.from({ length: count }, () => source.integer(4096)),
        ...changes,
      };
      writeFileSync(join(folder, "stage_2_train", `${sop}.dcm`), writeDicom(elements));
    }
  }
}

const data = join(root, "data");
writeData(data);
const sliceCount = series.reduce((sum, { slices }) => sum + slices, 0);

/** What a network is given in training, by slice id. */
async function trainingStacks(preprocessing: Preprocessing, neighbours: 1 | 3 | 5): Promise<Map<string, Float32Array>> {
  const rim = { threads: 1, progress: silent, signal };
  const out = join(root, `index-${preprocessing.values}-${neighbours}-${preprocessing.tilt}`);
  must(await buildIndex({ root: data, out, ...rim }));
  const table = must(await openIndex(out));
  const cache = must(await buildCache({ table, preprocessing, dir: join(out, "cache"), ...rim }));
  const loader = openLoader({ cache, table, neighbours, augment: "none", seed: 1 });
  try {
    const rows = Int32Array.from({ length: table.count }, (_, row) => row);
    const { hu } = await loader.batch({ rows, epoch: 0, step: 0 });
    const length = neighbours * preprocessing.size ** 2;
    return new Map(table.sliceIds.map((id, row) => [id, hu.slice(row * length, (row + 1) * length)]));
  } finally {
    await loader.close();
    cache.close();
  }
}

/** What a detector is given, by slice id. */
async function detectionStacks(
  preprocessing: Preprocessing,
  neighbours: 1 | 3 | 5,
): Promise<Map<string, Float32Array>> {
  const stacks: Float32Array[] = [];
  const length = neighbours * preprocessing.size ** 2;
  const detector = {
    info: infoOf(preprocessing, neighbours),
    hash: "",
    async score(hu: Float32Array, slices: number) {
      for (let row = 0; row < slices; row++) stacks.push(hu.slice(row * length, (row + 1) * length));
      return { sliceLogits: new Float32Array(slices * 6), studyLogits: new Float32Array(6), evidence: undefined };
    },
  };
  const out = join(root, `findings-${preprocessing.values}-${neighbours}-${preprocessing.tilt}`);
  must(await detectWith(detector, { inputs: [data], out, threads: 1, progress: silent, signal }));
  const findings = findingsSchema.parse(JSON.parse(readFileSync(join(out, "findings.json"), "utf8")));
  const ids = findings.studies.flatMap((study) => (study.status === "analysed" ? study.slices : []));
  assert.equal(ids.length, stacks.length);
  return new Map(ids.map(({ sliceId }, index) => [sliceId, stacks[index]!]));
}

const infoOf = (preprocessing: Preprocessing, neighbours: number) =>
  detectorInfo({ model: "watcher", preprocessing, neighbours, evidence: "none" });

const cases: readonly { readonly preprocessing: Preprocessing; readonly neighbours: 1 | 3 | 5 }[] = [
  { preprocessing: { values: "hu", size: 48, fieldOfViewMm: 150 }, neighbours: 3 },
  { preprocessing: { values: "hu", size: 48, fieldOfViewMm: 150, tilt: "straightened" }, neighbours: 3 },
  { preprocessing: { values: "hu", size: 50, fieldOfViewMm: "image" }, neighbours: 5 },
  { preprocessing: { values: "stored", size: 50, fieldOfViewMm: "image" }, neighbours: 1 },
];

for (const { preprocessing, neighbours } of cases) {
  const { values, fieldOfViewMm, tilt = "as scanned" } = preprocessing;
  test(`preprocessing: training and detection see the same bits (${values}, ${fieldOfViewMm}, ${neighbours}, ${tilt})`, async () => {
    const trained = await trainingStacks(preprocessing, neighbours);
    const detected = await detectionStacks(preprocessing, neighbours);
    assert.equal(trained.size, sliceCount);
    assert.deepEqual([...detected.keys()].sort(), [...trained.keys()].sort());
    for (const [sliceId, stack] of trained) {
      assert.ok(new Set(stack).size > 100, `${sliceId} shows noise, not an empty picture`);
      assert.deepEqual(bits(detected.get(sliceId)), bits(stack), sliceId);
    }
  });
}

test("preprocessing: only the slices of the tilted series are moved by straightening, all but its middle one", async () => {
  const preprocessing: Preprocessing = { values: "hu", size: 48, fieldOfViewMm: 150 };
  const straight = await trainingStacks({ ...preprocessing, tilt: "straightened" }, 1);
  const scanned = await trainingStacks(preprocessing, 1);
  const moved = [...scanned].filter(
    ([id, stack]) => !Buffer.from(bits(stack).buffer).equals(Buffer.from(bits(straight.get(id)).buffer)),
  );
  assert.equal(moved.length, 6);
});

function bits(stack: Float32Array | undefined): Uint32Array {
  return new Uint32Array((stack ?? new Float32Array()).slice().buffer);
}
