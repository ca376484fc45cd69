import { basename } from "node:path";
import type { Problem } from "../base/index.ts";
import {
  codecs,
  ctImageStorage,
  type DataSet,
  dictionary,
  frameBytes,
  type Keyword,
  numbers,
  type PixelLayout,
  pixelLayout,
  readHeader,
  text,
  unsupported,
} from "../dicom/index.ts";
import { type Making, makingOf } from "./making.ts";

/** Three numbers of the patient's coordinates in mm: x to the left, y to the back, z to the head (PS3.3 C.7.6.2). */
export type Vector = readonly [number, number, number];

/** What the header of one CT slice says, checked. */
export interface SliceHeader extends Making {
  /** The file's stem where it is of the competition's form `ID_…`, else the SOP instance UID. */
  readonly sliceId: string;
  /** PatientID; the study's UID where it is empty. */
  readonly patient: string;
  readonly study: string;
  readonly series: string;
  readonly sop: string;
  /** 0-based place of the slice in a file of several frames; `undefined` where the file is the slice. */
  readonly frame: number | undefined;
  readonly modality: string;
  /** Of the centre of the first pixel, mm. */
  readonly position: Vector | undefined;
  /** Direction cosines of the rows, then of the columns. */
  readonly orientation: readonly [number, number, number, number, number, number] | undefined;
  /** Between rows, then between columns, in mm. */
  readonly pixelSpacing: readonly [row: number, column: number] | undefined;
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16 | 32;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly sign: "signed" | "unsigned";
  readonly slope: number;
  readonly intercept: number;
  readonly photometric: string;
  /** Stored value of pixels outside the reconstruction, where the file names one. */
  readonly padding: number | undefined;
  /** UID. */
  readonly transferSyntax: string;
  /** BitsStored, sign and intercept, e.g. "12/unsigned/-1024": the groups of files of one kind of scanner. */
  readonly pixelGroup: string;
}

/** A slice, or why the file is none. */
export type HeaderOutcome =
  | { readonly kind: "slice"; readonly header: SliceHeader; readonly dataSet: DataSet }
  | NotUsed;

interface NotUsed {
  readonly kind: "set aside" | "failed";
  /** 0-based; `undefined` where the whole file is meant. */
  readonly frame: number | undefined;
  readonly reason: string;
  readonly detail: string;
}

/**
 * Reads and checks the header of one file: a slice or a reason for each of its frames, or one reason for all. Set aside:
 * what is sound but no slice of a CT ("not DICOM", "not CT", "localizer", "secondary capture", "colour", "multi-frame",
 * "no pixel data", "transfer syntax"). Failed: what is broken ("truncated", "damaged", "pixel layout", "rescale",
 * "modality LUT", or what the system says of the file).
 */
export function readSliceHeaders(path: string): readonly HeaderOutcome[] {
  return [readClassic(path)];
}

/** The header of one frame, the first one where none is named; see `readSliceHeaders`. */
export function readSliceHeader(path: string, frame = 0): HeaderOutcome {
  const outcomes = readSliceHeaders(path);
  const outcome = outcomes[frame] ?? outcomes[0];
  if (outcome === undefined) throw new Error(`${path}: neither slices nor a reason`);
  return outcome;
}

function readClassic(path: string): HeaderOutcome {
  const read = readHeader(path);
  if (read.kind === "problem") return outcomeOf(read.problem);
  const dataSet = read.value;
  const notSlice = whyNoSlice(dataSet);
  if (notSlice !== undefined) return { kind: "set aside", frame: undefined, ...notSlice };
  if (codecs[dataSet.transferSyntax] === undefined) return outcomeOf(unsupported(path, dataSet.transferSyntax));
  const layout = pixelLayout(path, dataSet);
  if (layout.kind === "problem") return outcomeOf(layout.problem);
  const cut = truncation(dataSet, frameBytes(layout.value));
  if (cut !== undefined) return failed("truncated", cut);
  const rescale = rescaleOf(dataSet);
  if (rescale.kind !== "rescale") return rescale;
  return { kind: "slice", header: describe(path, dataSet, { layout: layout.value, rescale }), dataSet };
}

function failed(reason: string, detail: string): NotUsed {
  return { kind: "failed", frame: undefined, reason, detail };
}

/** Problems that say that a file is of another kind, not that it is broken. */
const otherKinds = new Set(["not DICOM", "transfer syntax"]);

function outcomeOf({ kind, got, expected }: Problem): HeaderOutcome {
  const status = otherKinds.has(kind) ? "set aside" : "failed";
  return { kind: status, frame: undefined, reason: kind, detail: `${got}; expected ${expected}` };
}

/** SOP class of secondary captures, PS3.4 B.5: screen shots and scans of paper. */
const secondaryCapture = "1.2.840.10008.5.1.4.1.1.7";

function whyNoSlice(dataSet: DataSet): { readonly reason: string; readonly detail: string } | undefined {
  const modality = text(dataSet, "Modality");
  const sopClass = text(dataSet, "SOPClassUID");
  if (modality !== "CT" && !(modality === undefined && sopClass === ctImageStorage)) {
    return { reason: "not CT", detail: `Modality is ${modality ?? "missing"}` };
  }
  if (sopClass?.startsWith(secondaryCapture))
    return { reason: "secondary capture", detail: "a screen shot, not a reconstruction" };
  if (text(dataSet, "ImageType")?.split("\\").includes("LOCALIZER")) {
    return { reason: "localizer", detail: "ImageType says LOCALIZER" };
  }
  if (dataSet.pixelData === undefined) return { reason: "no pixel data", detail: "no element (7FE0,0010)" };
  const samples = numbers(dataSet, "SamplesPerPixel")?.[0] ?? 1;
  if (samples !== 1) return { reason: "colour", detail: `SamplesPerPixel is ${samples}` };
  const frames = numbers(dataSet, "NumberOfFrames")?.[0] ?? 1;
  return frames === 1 ? undefined : { reason: "multi-frame", detail: `NumberOfFrames is ${frames}` };
}

function truncation({ pixelData, sizeBytes }: DataSet, expected: number): string | undefined {
  if (pixelData === undefined || pixelData.length === "encapsulated") return undefined;
  const there = Math.min(pixelData.length, sizeBytes - pixelData.offset);
  return there >= expected ? undefined : `${there} bytes of pixel data; expected ${expected} (PS3.3 C.7.6.3)`;
}

interface Rescale {
  readonly kind: "rescale";
  readonly slope: number;
  readonly intercept: number;
}

/**
 * Slope and intercept (PS3.3 C.11.1.1.2), 1 and 0 where the file has none. Values that cannot be read, a slope of 0 or a
 * table in their place would give wrong HU without a word, so they fail.
 */
function rescaleOf(dataSet: DataSet): Rescale | NotUsed {
  if ((dataSet.elements.get(dictionary.ModalityLUTSequence[0])?.length ?? 0) > 0) {
    const detail = "HU are given by a table, which slices of a CT do not have (PS3.3 C.8.2.1)";
    return failed("modality LUT", detail);
  }
  const one = (keyword: "RescaleSlope" | "RescaleIntercept", absent: number) =>
    text(dataSet, keyword) === undefined ? absent : numbers(dataSet, keyword)?.[0];
  const [slope, intercept] = [one("RescaleSlope", 1), one("RescaleIntercept", 0)];
  if (slope === undefined || slope === 0 || intercept === undefined) {
    const seen = `RescaleSlope ${text(dataSet, "RescaleSlope")}, RescaleIntercept ${text(dataSet, "RescaleIntercept")}`;
    return failed("rescale", `${seen}; expected two numbers, the slope not 0`);
  }
  return { kind: "rescale", slope, intercept };
}

function describe(
  path: string,
  dataSet: DataSet,
  { layout, rescale }: { readonly layout: PixelLayout; readonly rescale: Rescale },
): SliceHeader {
  const first = (keyword: Keyword) => numbers(dataSet, keyword)?.[0];
  const sop = text(dataSet, "SOPInstanceUID") ?? basename(path);
  const study = text(dataSet, "StudyInstanceUID") ?? "";
  const series = text(dataSet, "SeriesInstanceUID") ?? "";
  const stem = basename(path).replace(/\.[^.]*$/, "");
  return {
    sliceId: /^ID_\w+$/.test(stem) ? stem : sop,
    patient: text(dataSet, "PatientID") ?? study,
    study,
    series,
    sop,
    frame: undefined,
    modality: text(dataSet, "Modality") ?? "CT",
    position: tuple(numbers(dataSet, "ImagePositionPatient"), 3) as Vector | undefined,
    orientation: tuple(numbers(dataSet, "ImageOrientationPatient"), 6) as SliceHeader["orientation"],
    pixelSpacing: positive(tuple(numbers(dataSet, "PixelSpacing"), 2)) as SliceHeader["pixelSpacing"],
    rows: layout.rows,
    columns: layout.columns,
    bitsAllocated: layout.bitsAllocated,
    bitsStored: layout.bitsStored,
    highBit: layout.highBit,
    sign: layout.sign,
    slope: rescale.slope,
    intercept: rescale.intercept,
    photometric: text(dataSet, "PhotometricInterpretation") ?? "",
    padding: first("PixelPaddingValue"),
    transferSyntax: dataSet.transferSyntax,
    pixelGroup: `${layout.bitsStored}/${layout.sign}/${rescale.intercept}`,
    ...makingOf(dataSet),
  };
}

const tuple = (values: readonly number[] | undefined, length: number) =>
  values?.length === length ? values : undefined;
const positive = (values: readonly number[] | undefined) => (values?.every((value) => value > 0) ? values : undefined);
