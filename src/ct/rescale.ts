import { type DataSet, decimalForm, told } from "../dicom/index.ts";
import type { ImageElements } from "./functional-groups.ts";
import { hasModalityLut, readModalityLut } from "./modality-lut.ts";

/** How stored values become HU: slope · stored + intercept (PS3.3 C.11.1.1.2), or by a table (C.11.1.1.1). */
export interface Rescale {
  readonly kind: "rescale";
  readonly by: "line" | "modality LUT";
  /** 1 and 0 where a table stands in their place. */
  readonly slope: number;
  readonly intercept: number;
}

/** Why there are no HU: status, kind and detail of the ledger's line. */
export interface NoRescale {
  readonly kind: "set aside" | "failed";
  readonly reason: string;
  readonly detail: string;
}

/** Bits of the stored values. */
interface Bits {
  readonly bitsStored: number;
  readonly sign: "signed" | "unsigned";
}

/** Defined terms of RescaleType and ModalityLUTType that are no HU (PS3.3 C.11.1.1.2); others, US and none are read as HU. */
const otherQuantities = new Set(["OD", "MGML", "Z_EFF", "ED", "EDW", "PCT"]);

/**
 * How an image's stored values become HU; 1 and 0 where it says nothing. Values that cannot be read, a slope of 0, a line
 * that takes every stored value beyond int16 or a broken table would give wrong HU without a word, so they fail
 * ("rescale", "modality LUT"); what is measured in another unit is set aside ("not HU").
 */
export function rescaleOf(dataSet: DataSet, image: ImageElements, bits: Bits): Rescale | NoRescale {
  if (hasModalityLut(dataSet)) {
    const table = readModalityLut(dataSet, bits.sign);
    if (typeof table === "string") return { kind: "failed", reason: "modality LUT", detail: table };
    return (
      otherQuantity("ModalityLUTType", table.type) ?? { kind: "rescale", by: "modality LUT", slope: 1, intercept: 0 }
    );
  }
  const other = otherQuantity("RescaleType", image.text(macro, "RescaleType"));
  if (other !== undefined) return other;
  const one = (keyword: "RescaleSlope" | "RescaleIntercept", absent: number) =>
    image.numbers(macro, keyword)?.[0] ?? (image.text(macro, keyword) === undefined ? absent : Number.NaN);
  const [slope, intercept] = [one("RescaleSlope", 1), one("RescaleIntercept", 0)];
  const failed = (expected: string): NoRescale => {
    const seen = (keyword: "RescaleSlope" | "RescaleIntercept") => told(image.text(macro, keyword), decimalForm);
    const [seenSlope, seenIntercept] = [seen("RescaleSlope"), seen("RescaleIntercept")];
    const detail = `RescaleSlope ${seenSlope}, RescaleIntercept ${seenIntercept}; expected ${expected}`;
    return { kind: "failed", reason: "rescale", detail };
  };
  if (!Number.isFinite(slope) || slope === 0 || !Number.isFinite(intercept)) {
    return failed("two numbers, the slope not 0");
  }
  const [low, high] = rangeOf({ slope, intercept }, bits);
  if (high < -32768 || low > 32767) return failed("HU between -32768 and 32767 for some stored value");
  return { kind: "rescale", by: "line", slope, intercept };
}

const macro = "PixelValueTransformationSequence";

function otherQuantity(keyword: string, type: string | undefined): NoRescale | undefined {
  if (type === undefined || !otherQuantities.has(type)) return undefined;
  return { kind: "set aside", reason: "not HU", detail: `${keyword} is ${type}` };
}

/** Least and greatest HU that bits can say. */
function rangeOf(line: { readonly slope: number; readonly intercept: number }, { bitsStored, sign }: Bits) {
  const low = sign === "signed" ? -(2 ** (bitsStored - 1)) : 0;
  const one = line.slope * low + line.intercept;
  const other = line.slope * (low + 2 ** bitsStored - 1) + line.intercept;
  return [Math.min(one, other), Math.max(one, other)] as const;
}
