import { type DataSet, type Keyword, text } from "../dicom/index.ts";
import type { ImageElements, Macro } from "./functional-groups.ts";

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
  /** Frames of one file that belong together, and the place among them, from 1 (PS3.3 C.7.6.16.2.2). */
  readonly stack: string | undefined;
  readonly inStackPosition: number | undefined;
  readonly burnedIn: "yes" | "no" | "unknown";
}

/** Reads how a slice was made, from a classic header (PS3.3 A.3) or of a frame (A.38). */
export function makingOf(image: ImageElements): Making {
  const first = (macro: Macro, keyword: Keyword) => image.numbers(macro, keyword)?.[0];
  return {
    sliceThicknessMm: positive(first("PixelMeasuresSequence", "SliceThickness")),
    kernel: image.text("CTReconstructionSequence", "ConvolutionKernel"),
    imageType: listOf(image.text("CTImageFrameTypeSequence", "FrameType") ?? image.text("image", "ImageType")),
    seriesDescription: image.text("image", "SeriesDescription"),
    bodyPart:
      image.text("image", "BodyPartExamined") ??
      meaningOf(image.item("FrameAnatomySequence", "AnatomicRegionSequence")),
    contrast:
      yesOrNo(image.text("ContrastBolusUsageSequence", "ContrastBolusAgentAdministered")) ??
      contrastOf(image.text("image", "ContrastBolusAgent"), first("image", "ContrastBolusVolume")),
    acquisition: first("FrameContentSequence", "FrameAcquisitionNumber") ?? first("image", "AcquisitionNumber"),
    seriesNumber: first("image", "SeriesNumber"),
    instanceNumber: first("image", "InstanceNumber"),
    temporalPosition:
      first("FrameContentSequence", "TemporalPositionIndex") ?? first("image", "TemporalPositionIdentifier"),
    stack: image.text("FrameContentSequence", "StackID"),
    inStackPosition: first("FrameContentSequence", "InStackPositionNumber"),
    burnedIn: yesOrNo(image.text("image", "BurnedInAnnotation")) ?? "unknown",
  };
}

function meaningOf(code: DataSet | undefined): string | undefined {
  return code === undefined ? undefined : text(code, "CodeMeaning");
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
function yesOrNo(value: string | undefined): "yes" | "no" | undefined {
  return value === "YES" ? "yes" : value === "NO" ? "no" : undefined;
}

/** Values of a multi-valued text. */
function listOf(value: string | undefined): readonly string[] {
  return value === undefined ? [] : value.split("\\").map((part) => part.trim());
}

/** A length in mm, `undefined` where it is none. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
