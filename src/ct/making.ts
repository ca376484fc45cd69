import { type DataSet, type Keyword, numbers, text } from "../dicom/index.ts";

/** What a header says of how a slice was made: what a series is chosen by. Empty elements count as absent. */
export interface Making {
  readonly sliceThicknessMm: number | undefined;
  /** Name of the convolution kernel; several names are joined by a backslash. */
  readonly kernel: string | undefined;
  /** Values of ImageType (PS3.3 C.7.6.1.1.2), e.g. ORIGINAL, PRIMARY, AXIAL; of FrameType in a file of several frames. */
  readonly imageType: readonly string[];
  readonly seriesDescription: string | undefined;
  /** BodyPartExamined, or the meaning of the anatomic region's code. */
  readonly bodyPart: string | undefined;
  readonly contrast: "yes" | "no" | "unknown";
  readonly acquisition: number | undefined;
  readonly seriesNumber: number | undefined;
  readonly instanceNumber: number | undefined;
  /** Of a perfusion or cardiac series, from 1. */
  readonly temporalPosition: number | undefined;
  readonly burnedIn: "yes" | "no" | "unknown";
}

/** Reads from the elements of a classic CT slice (PS3.3 A.3) how it was made. */
export function makingOf(dataSet: DataSet): Making {
  const first = (keyword: Keyword) => numbers(dataSet, keyword)?.[0];
  return {
    sliceThicknessMm: positive(first("SliceThickness")),
    kernel: text(dataSet, "ConvolutionKernel"),
    imageType: listOf(text(dataSet, "ImageType")),
    seriesDescription: text(dataSet, "SeriesDescription"),
    bodyPart: text(dataSet, "BodyPartExamined"),
    contrast: contrastOf(text(dataSet, "ContrastBolusAgent"), first("ContrastBolusVolume")),
    acquisition: first("AcquisitionNumber"),
    seriesNumber: first("SeriesNumber"),
    instanceNumber: first("InstanceNumber"),
    temporalPosition: first("TemporalPositionIdentifier"),
    burnedIn: yesOrNo(text(dataSet, "BurnedInAnnotation")),
  };
}

/** What people write where no agent was given: "NONE", "no", "W/O CONTRAST", "0". */
const noAgent = /^(no(ne)?\b|n\/?a$|without|w\/?o\b|non[ -]?contrast|0+$|-+$)/i;

/**
 * Whether contrast was given. The element is there only where it was (PS3.3 C.7.6.4), but anonymised headers lack it too,
 * so that its absence says nothing.
 */
function contrastOf(agent: string | undefined, volumeMl: number | undefined): Making["contrast"] {
  if (agent === undefined) return volumeMl === undefined ? "unknown" : volumeMl > 0 ? "yes" : "no";
  return noAgent.test(agent) ? "no" : "yes";
}

/** A code string YES or NO. */
export function yesOrNo(value: string | undefined): "yes" | "no" | "unknown" {
  return value === "YES" ? "yes" : value === "NO" ? "no" : "unknown";
}

/** Values of a multi-valued text. */
export function listOf(value: string | undefined): readonly string[] {
  return value === undefined ? [] : value.split("\\").map((part) => part.trim());
}

/** A length in mm, `undefined` where it is none. */
export function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
