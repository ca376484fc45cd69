import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { must, random, silent } from "../base/index.ts";
import { ctImageStorage, writeDicom } from "../dicom/index.ts";
import { labels, submissionHeader, submissionLines } from "../labels/index.ts";
import { resolveConfig } from "./resolve-config.ts";
import type { TrainOptions } from "./train.ts";

// Small data sets in the competition's layout for the tests of this room: discs of brain, some with a bright spot.

const base = mkdtempSync(join(tmpdir(), "ichor-training-"));
after(() => rmSync(base, { recursive: true, force: true }));
let folders = 0;

/** A path for a new folder that goes when the tests end. */
export function newFolder(): string {
  return join(base, String(folders++));
}

const side = 32;

/** Writes `patients` patients with four slices each, of whom the first `positive` have a bleed in two slices. */
export function makeSlices({ patients, positive }: { readonly patients: number; readonly positive: number }): string {
  const folder = newFolder();
  const files = join(folder, "stage_2_train");
  mkdirSync(files, { recursive: true });
  let table = submissionHeader;
  for (let patient = 0; patient < patients; patient++) {
    for (let slice = 0; slice < 4; slice++) {
      const isPositive = patient < positive && (slice === 1 || slice === 2);
      const type = patient % 5;
      const sliceId = `ID_${(patient * 16 + slice + 4096).toString(16).padStart(9, "0")}`;
      writeFileSync(join(files, `${sliceId}.dcm`), dicomSlice({ patient, slice, sliceId, isPositive }));
      table += submissionLines(
        sliceId,
        labels.map((_, at) => (isPositive && (at === type || at === 5) ? 1 : 0)),
      );
    }
  }
  writeFileSync(join(folder, "stage_2_train.csv"), table);
  return folder;
}

function dicomSlice(o: { patient: number; slice: number; sliceId: string; isPositive: boolean }): Uint8Array {
  const noise = random(8, o.patient, o.slice);
  const pixels = Int16Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [(at % side) - side / 2, Math.floor(at / side) - side / 2];
    const hu = x * x + y * y > 150 ? -1000 : o.isPositive && (x - 4) ** 2 + y * y < 20 ? 70 : 30;
    return Math.round(hu + 4 * noise.normal());
  });
  return writeDicom({
    SOPClassUID: ctImageStorage,
    SOPInstanceUID: o.sliceId,
    Modality: "CT",
    PatientID: `ID_patient${o.patient}`,
    StudyInstanceUID: `ID_study${o.patient}`,
    SeriesInstanceUID: `ID_series${o.patient}`,
    ImagePositionPatient: [-120, -120, o.slice * 5],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Rows: side,
    Columns: side,
    PixelSpacing: [7.5, 7.5],
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    RescaleIntercept: 0,
    RescaleSlope: 1,
    PixelData: pixels,
  });
}

/** Settings that make either network a matter of milliseconds. */
const small = {
  cnn: ["model=cnn", "width=2", "preprocessing.size=16", "batchSize=8", "epochs=3", "learningRate=0.02"],
  mlp: ["model=mlp2020-brain", "preprocessing.size=16", "batchSize=8", "epochs=3", "learningRate=0.01"],
};

/** Options for a short training of a small network. */
export function smallTraining(
  kind: keyof typeof small,
  { sets = [], ...more }: Partial<TrainOptions> & { readonly data: string; readonly sets?: readonly string[] },
): TrainOptions {
  return {
    run: newFolder(),
    config: must(resolveConfig({ sets: [...small[kind], ...sets] })),
    resume: "new",
    threads: 1,
    progress: silent,
    signal: new AbortController().signal,
    ...more,
  };
}
