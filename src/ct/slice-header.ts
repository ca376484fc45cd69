import { basename } from "node:path";
import type { Problem } from "../base/index.ts";
import {
  checkFragments,
  codecs,
  ctImageStorage,
  type DataSet,
  dictionary,
  frameBytes,
  modalityTerms,
  numbers,
  type PixelLayout,
  pixelLayout,
  readHeader,
  text,
  told,
  unsupported,
} from "../dicom/index.ts";
import { classicElements, frameElements, type ImageElements } from "./functional-groups.ts";
import { type Making, makingOf } from "./making.ts";
import { type NoRescale, type Rescale, rescaleOf } from "./rescale.ts";

/** Three numbers of the patient's coordinates in mm: x to the left, y to the back, z to the head (PS3.3 C.7.6.2). */
export type Vector = readonly [number, number, number];

/** What the header of one CT slice says, checked. */
export interface SliceHeader extends Making {
  /**
   * The file's stem where it is of the competition's form `ID_…`, else the SOP instance UID; of a frame the UID, a colon
   * and the frame's number, from 1 as the standard counts frames.
   */
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
  /** By slope and intercept, which are 1 and 0 otherwise, or by a table of the header. */
  readonly huBy: Rescale["by"];
  readonly slope: number;
  readonly intercept: number;
  readonly photometric: string;
  /** Stored values of pixels outside the reconstruction, from the least to the greatest, where the file names any. */
  readonly padding: readonly [low: number, high: number] | undefined;
  /** UID. */
  readonly transferSyntax: string;
  /** BitsStored, sign and intercept (or "modality LUT"), e.g. "12/unsigned/-1024": files of one kind of scanner. */
  readonly pixelGroup: string;
}

/** A slice, or why the file is none. */
export type HeaderOutcome =
  | { readonly kind: "slice"; readonly header: SliceHeader; readonly dataSet: DataSet }
  | NotUsed;

interface NotUsed extends NoRescale {
  /** 0-based; `undefined` where the whole file is meant. */
  readonly frame: number | undefined;
}

/**
 * Reads and checks the header of one file: a slice or a reason for each of its frames, or one reason for all. Set aside:
 * what is sound but no slice of a CT ("not DICOM", "not CT", "localizer", "secondary capture", "colour", "multi-frame",
 * "not HU", "no pixel data", "transfer syntax"). Failed: what is broken ("truncated", "damaged", "pixel layout", "rescale",
 * "modality LUT", or what the system says of the file).
 */
export function readSliceHeaders(path: string): readonly HeaderOutcome[] {
  const { count, outcome } = openSlices(path);
  return Array.from({ length: count }, (_, frame) => outcome(frame));
}

/** The header of one frame, the first one where none is named; see `readSliceHeaders`. */
export function readSliceHeader(path: string, frame = 0): HeaderOutcome {
  return openSlices(path).outcome(frame);
}

/**
 * `readSliceHeader` for many frames of few files: the last file is kept, so that one of thousands of frames is parsed
 * once. To be let go with the task it was made for, as files may change.
 */
export function rememberHeaders(): typeof readSliceHeader {
  let last: { readonly path: string; readonly slices: Slices } | undefined;
  return (path, frame = 0) => {
    if (last?.path !== path) last = { path, slices: openSlices(path) };
    return last.slices.outcome(frame);
  };
}

/** The slices of a file, each described when it is asked for. */
interface Slices {
  /** Frames that can be told apart; 1 where there is a reason for the whole file. */
  readonly count: number;
  outcome(frame: number): HeaderOutcome;
}

function openSlices(path: string): Slices {
  const checked = checkFile(path);
  if (!("layout" in checked)) return { count: 1, outcome: () => checked };
  const { dataSet, frames } = checked;
  if (frames === 1 && !dataSet.elements.has(dictionary.PerFrameFunctionalGroupsSequence[0])) {
    const classic = classicElements(dataSet);
    return { count: 1, outcome: (frame) => (frame > 0 ? noFrame(frame, 1) : describe(checked, classic, undefined)) };
  }
  const images = frameElements(dataSet, frames);
  if (typeof images === "string") {
    return { count: 1, outcome: () => notUsed("set aside", "multi-frame", images) };
  }
  return {
    count: images.length,
    outcome(frame) {
      const image = images[frame];
      if (image === undefined) return noFrame(frame, images.length);
      return whyNoPlane(image, frame) ?? describe(checked, image, frame);
    },
  };
}

/** A file whose pixels are there and are those of a CT. */
interface CtFile {
  readonly path: string;
  readonly dataSet: DataSet;
  readonly layout: PixelLayout;
  readonly frames: number;
}

function checkFile(path: string): CtFile | NotUsed {
  const read = readHeader(path);
  if (read.kind === "problem") return outcomeOf(read.problem);
  const dataSet = read.value;
  const notSlice = whyNoSlice(dataSet);
  if (notSlice !== undefined) return notSlice;
  if (codecs[dataSet.transferSyntax] === undefined) return outcomeOf(unsupported(path, dataSet.transferSyntax));
  const layout = pixelLayout(path, dataSet);
  if (layout.kind === "problem") return outcomeOf(layout.problem);
  const frames = numbers(dataSet, "NumberOfFrames")?.[0] ?? 1;
  if (!Number.isInteger(frames) || frames < 1) {
    return notUsed("failed", "pixel layout", `NumberOfFrames is ${frames}; expected at least 1`);
  }
  const cut = truncation(dataSet, frames, layout.value);
  if (cut !== undefined) return notUsed("failed", "truncated", cut);
  const fragments = checkFragments(path, dataSet);
  return fragments.kind === "problem" ? outcomeOf(fragments.problem) : { path, dataSet, layout: layout.value, frames };
}

function noFrame(frame: number, count: number): NotUsed {
  return notUsed("failed", "no such frame", `frame ${frame + 1} of ${count}`);
}

function notUsed(kind: NotUsed["kind"], reason: string, detail: string): NotUsed {
  return { kind, frame: undefined, reason, detail };
}

/** Problems that say that a file is of another kind, not that it is broken. */
const otherKinds = new Set(["not DICOM", "transfer syntax"]);

function outcomeOf({ kind, got, expected }: Problem): NotUsed {
  return notUsed(otherKinds.has(kind) ? "set aside" : "failed", kind, `${got}; expected ${expected}`);
}

/** SOP class of secondary captures, PS3.4 B.5: screen shots and scans of paper. */
const secondaryCapture = "1.2.840.10008.5.1.4.1.1.7";

/** SOP class of X-ray radiation dose structured reports, PS3.4 B.5. */
const doseReport = "1.2.840.10008.5.1.4.1.1.88.67";

function whyNoSlice(dataSet: DataSet): NotUsed | undefined {
  const setAside = (reason: string, detail: string) => notUsed("set aside", reason, detail);
  const modality = text(dataSet, "Modality");
  const sopClass = text(dataSet, "SOPClassUID");
  if (sopClass === doseReport) return setAside("dose report", "a structured report of the dose, not an image");
  if (sopClass?.startsWith(secondaryCapture)) {
    return setAside("secondary capture", "a screen shot, not a reconstruction");
  }
  if (modality !== "CT" && !(modality === undefined && sopClass === ctImageStorage)) {
    return setAside("not CT", `Modality is ${told(modality, modalityTerms)}`);
  }
  if (text(dataSet, "ImageType")?.split("\\").includes("LOCALIZER")) {
    return setAside("localizer", "ImageType says LOCALIZER");
  }
  if (dataSet.pixelData === undefined) return setAside("no pixel data", "no element (7FE0,0010)");
  const samples = numbers(dataSet, "SamplesPerPixel")?.[0] ?? 1;
  return samples === 1 ? undefined : setAside("colour", `SamplesPerPixel is ${samples}`);
}

/** What makes a frame none of a CT's planes, or leaves its place or its HU unknown. */
function whyNoPlane(image: ImageElements, frame: number): NotUsed | undefined {
  const setAside = (reason: string, detail: string): NotUsed => ({ kind: "set aside", frame, reason, detail });
  if (image.text("CTImageFrameTypeSequence", "FrameType")?.split("\\").includes("LOCALIZER")) {
    return setAside("localizer", "FrameType says LOCALIZER");
  }
  const missing = [
    image.numbers("PlanePositionSequence", "ImagePositionPatient")?.length === 3 ? [] : "ImagePositionPatient",
    image.numbers("PlaneOrientationSequence", "ImageOrientationPatient")?.length === 6 ? [] : "ImageOrientationPatient",
    image.text("PixelValueTransformationSequence", "RescaleIntercept") === undefined ? "RescaleIntercept" : [],
  ].flat();
  if (missing.length === 0) return undefined;
  return setAside("multi-frame", `frame ${frame + 1} has no ${missing.join(", no ")} (PS3.3 C.7.6.16)`);
}

/** Bytes of an item's head in pixel data that are in fragments: no frame takes fewer (PS3.5 A.4). */
const fragmentHead = 8;

/** Whether the file ends before the frames that it speaks of; so a false NumberOfFrames costs nothing. */
function truncation({ pixelData, sizeBytes }: DataSet, frames: number, layout: PixelLayout): string | undefined {
  if (pixelData === undefined) return undefined;
  const rest = (pixelData.memory?.length ?? sizeBytes) - pixelData.offset;
  const encapsulated = pixelData.length === "encapsulated";
  const there = pixelData.length === "encapsulated" ? rest : Math.min(pixelData.length, rest);
  const expected = frames * (encapsulated ? fragmentHead : frameBytes(layout));
  return there >= expected ? undefined : `${there} bytes of pixel data; expected ${expected} (PS3.3 C.7.6.3)`;
}

function describe({ path, dataSet, layout }: CtFile, image: ImageElements, frame: number | undefined): HeaderOutcome {
  const rescale = rescaleOf(dataSet, image, layout);
  if (rescale.kind !== "rescale") return { ...rescale, frame };
  const sop = text(dataSet, "SOPInstanceUID") ?? basename(path);
  const study = text(dataSet, "StudyInstanceUID") ?? "";
  const name = basename(path);
  const stem = name.slice(0, name.lastIndexOf(".") === -1 ? name.length : name.lastIndexOf("."));
  const { rows, columns, bitsAllocated, bitsStored, highBit, sign } = layout;
  const header: SliceHeader = {
    sliceId: frame !== undefined ? `${sop}:${frame + 1}` : /^ID_\w+$/.test(stem) ? stem : sop,
    patient: text(dataSet, "PatientID") ?? study,
    study,
    series: text(dataSet, "SeriesInstanceUID") ?? "",
    sop,
    frame,
    modality: text(dataSet, "Modality") ?? "CT",
    position: tuple(image.numbers("PlanePositionSequence", "ImagePositionPatient"), 3) as Vector | undefined,
    orientation: tuple(
      image.numbers("PlaneOrientationSequence", "ImageOrientationPatient"),
      6,
    ) as SliceHeader["orientation"],
    pixelSpacing: spacing(image.numbers("PixelMeasuresSequence", "PixelSpacing")),
    rows,
    columns,
    bitsAllocated,
    bitsStored,
    highBit,
    sign,
    huBy: rescale.by,
    slope: rescale.slope,
    intercept: rescale.intercept,
    photometric: text(dataSet, "PhotometricInterpretation") ?? "",
    padding: paddingOf(dataSet),
    transferSyntax: dataSet.transferSyntax,
    pixelGroup: `${bitsStored}/${sign}/${rescale.by === "line" ? rescale.intercept : rescale.by}`,
    ...makingOf(image),
  };
  return { kind: "slice", header, dataSet };
}

/** From PixelPaddingValue to PixelPaddingRangeLimit, which may be on either side of it (PS3.3 C.7.5.1.1.2). */
function paddingOf(dataSet: DataSet): SliceHeader["padding"] {
  const value = numbers(dataSet, "PixelPaddingValue")?.[0];
  if (value === undefined) return undefined;
  const limit = numbers(dataSet, "PixelPaddingRangeLimit")?.[0] ?? value;
  return [Math.min(value, limit), Math.max(value, limit)];
}

const tuple = (values: readonly number[] | undefined, length: number) =>
  values?.length === length ? values : undefined;

function spacing(values: readonly number[] | undefined): SliceHeader["pixelSpacing"] {
  const [row = 0, column = 0] = tuple(values, 2) ?? [];
  return row > 0 && column > 0 ? [row, column] : undefined;
}
