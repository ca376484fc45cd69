import { random } from "../base/index.ts";
import { writeDicom } from "../dicom/index.ts";
import { labelCount } from "../labels/index.ts";
import { bleedTypes, drawBleeds } from "./bleeds.ts";
import { drawHead } from "./head.ts";
import { paintSlice, type Scene } from "./paint.ts";
import { drawScan, expose, type Scan, store } from "./scanner.ts";

/** A type is a slice's label from this area of blood on: about 6 × 5 mm, what a reader can see. */
export const visibleMm2 = 30;

/** What is asked of one study. */
export interface StudyRequest {
  /** Seed of the whole data set. */
  readonly seed: number;
  /** "train" and "test" studies of the same index are different ones. */
  readonly part: "train" | "test";
  readonly index: number;
  readonly matrix: number;
  readonly slices: number | undefined;
}

/** One slice as it is written. */
export interface SimulatedSlice {
  /** `ID_` and nine hexadecimal digits. */
  readonly sliceId: string;
  readonly file: Uint8Array;
  /** [6], 0 or 1, in the labels' order. */
  readonly labels: readonly number[];
}

/** The scene of a study: all that is drawn, nothing painted yet. */
export function drawScene({ seed, part, index, matrix, slices }: StudyRequest): Scene {
  const own = random(seed, "study", part, index).integer(2 ** 31);
  const head = drawHead(own);
  return { head, bleeds: drawBleeds(own, head), scan: drawScan(own, { matrix, slices, heightMm: head.height }) };
}

/** The slices of a study, one after the other, so that no more than one is in memory. */
export function* simulateStudy(request: StudyRequest): Generator<SimulatedSlice> {
  const scene = drawScene(request);
  const { scan } = scene;
  const id = identities(request);
  const uids = { patient: id("patient", 0), study: id("study", 0), series: id("series", 0) };
  for (let index = 0; index < scan.slices; index++) {
    const sliceId = id("slice", index);
    const { hu, areasMm2 } = paintSlice(scene, index);
    expose(hu, scan, random(request.seed, "noise", request.part, request.index, index));
    const types = areasMm2.map((area) => (area >= visibleMm2 ? 1 : 0));
    const labels = [...types, Math.max(...types)];
    if (labels.length !== labelCount || types.length !== bleedTypes.length)
      throw new Error("labels do not fit the bleeds");
    yield { sliceId, file: fileOf(scan, { ...uids, sop: sliceId, index, hu }), labels };
  }
}

/** Hexadecimal digits after `ID_` in the competition's files. */
const identityDigits = { patient: 8, study: 10, series: 10, slice: 9 } as const;

/** More than any study has; with nine digits it leaves room for 2^25 studies a part. */
export const mostSlices = 1024;

/** Odd, so that multiplying by it modulo a power of two is one to one: 2^64 over the golden ratio (Knuth 1973, 6.4). */
const scatter = 0x9e3779b97f4a7c15n;

/**
 * Made-up identities of the competition's form. They are numbered and then scattered, one to one, so that no two
 * slices of a data set share one: drawn at random, some of 20,000 slices would overwrite each other's files.
 */
export function identities({
  seed,
  part,
  index,
}: Pick<StudyRequest, "seed" | "part" | "index">): (kind: keyof typeof identityDigits, slice: number) => string {
  const study = index * 2 + (part === "train" ? 0 : 1);
  return (kind, slice) => {
    if (slice >= mostSlices) throw new Error(`a study of more than ${mostSlices} slices`);
    const serial = kind === "slice" ? study * mostSlices + slice : study;
    const start = random(seed, "identity", kind).integer(2 ** 32);
    const digits = identityDigits[kind];
    const scattered = BigInt.asUintN(4 * digits, (BigInt(serial) + BigInt(start)) * scatter);
    return `ID_${scattered.toString(16).padStart(digits, "0")}`;
  };
}

interface SliceFile {
  readonly patient: string;
  readonly study: string;
  readonly series: string;
  readonly sop: string;
  readonly index: number;
  readonly hu: Float32Array;
}

/**
 * The 22 elements of the competition's files, which name neither SOP class nor padding value, and one more:
 * ImageComments (0020,4000) says that no patient is in it. It is free text that readers show and none computes with.
 */
function fileOf(scan: Scan, { patient, study, series, sop, index, hu }: SliceFile): Uint8Array {
  const { matrix, pixelSpacingMm, tilt, stepMm, firstMm, origin, group } = scan;
  const half = ((matrix - 1) / 2) * pixelSpacingMm;
  const up = firstMm + index * stepMm;
  const [cosine, sine] = [Math.cos(tilt), Math.sin(tilt)];
  const six = (value: number) => Number(value.toFixed(6)) + 0; // no −0
  return writeDicom({
    SOPInstanceUID: sop,
    Modality: "CT",
    PatientID: patient,
    StudyInstanceUID: study,
    SeriesInstanceUID: series,
    StudyID: "",
    ImagePositionPatient: [origin[0] - half, origin[1] - half * cosine, origin[2] + up + half * sine].map(six),
    ImageOrientationPatient: [1, 0, 0, 0, six(cosine), six(-sine)],
    ImageComments: "simulated by Ichor: no patient",
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Rows: matrix,
    Columns: matrix,
    PixelSpacing: [six(pixelSpacingMm), six(pixelSpacingMm)],
    BitsAllocated: 16,
    BitsStored: group.bitsStored,
    HighBit: group.bitsStored - 1,
    PixelRepresentation: group.sign === "signed" ? 1 : 0,
    WindowCenter: 40,
    WindowWidth: 80,
    RescaleIntercept: group.intercept,
    RescaleSlope: 1,
    PixelData: store(hu, scan),
  });
}
