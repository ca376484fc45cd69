import type { DataSet, Element } from "./data-set.ts";
import { dictionary, type Keyword, vrOfTag } from "./dictionary.ts";

/** The text of an element, trimmed of padding; `undefined` where it is absent or empty. Single-byte characters. */
export function text(dataSet: DataSet, keyword: Keyword): string | undefined {
  const element = dataSet.elements.get(dictionary[keyword][0]);
  if (element === undefined) return undefined;
  const value = latin1(dataSet, element);
  return value === "" ? undefined : value;
}

/** All numbers of an element; `undefined` where it is absent, empty or holds something that is no finite number. */
export function numbers(dataSet: DataSet, keyword: Keyword): readonly number[] | undefined {
  const element = dataSet.elements.get(dictionary[keyword][0]);
  if (element === undefined || element.length === 0) return undefined;
  const vr = valueRepresentation(dataSet, element);
  const width = binaryWidths[vr];
  const values = width === undefined ? decimals(latin1(dataSet, element)) : binaries(dataSet, element, { vr, width });
  return values.length > 0 && values.every(Number.isFinite) ? values : undefined;
}

/** Bytes of one number in each binary VR, PS3.5 6.2. */
const binaryWidths: Readonly<Record<string, number>> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, OW: 2 };

/** The VR to read by: the file's, or the dictionary's where the file says UN; "US or SS" as PixelRepresentation decides. */
function valueRepresentation(dataSet: DataSet, { tag, vr }: Element): string {
  const known = vr === "UN" ? (vrOfTag.get(tag) ?? vr) : vr;
  if (known !== "xs") return known;
  const sign = dataSet.elements.get(dictionary.PixelRepresentation[0]);
  return sign !== undefined && dataSet.bytes[sign.offset] === 1 ? "SS" : "US";
}

function binaries(
  { bytes }: DataSet,
  { offset, length }: Element,
  { vr, width }: { readonly vr: string; readonly width: number },
): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length - (length % width));
  const read: Readonly<Record<string, (at: number) => number>> = {
    US: (at) => view.getUint16(at, true),
    OW: (at) => view.getUint16(at, true),
    SS: (at) => view.getInt16(at, true),
    UL: (at) => view.getUint32(at, true),
    SL: (at) => view.getInt32(at, true),
    FL: (at) => view.getFloat32(at, true),
    FD: (at) => view.getFloat64(at, true),
  };
  const one = read[vr];
  return one === undefined ? [] : Array.from({ length: view.byteLength / width }, (_, index) => one(index * width));
}

/** DS and IS: decimal strings between backslashes, PS3.5 6.2. An empty part is no number. */
function decimals(value: string): number[] {
  return value.split("\\").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
}

function latin1({ bytes }: DataSet, { offset, length }: Element): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer
    .toString("latin1", offset, offset + length)
    .replace(/[\0 ]+$/, "")
    .trimStart();
}
