import type { DataSet, Element } from "./data-set.ts";
import { dictionary, type Keyword } from "./dictionary.ts";

/** Character sets by their defined term, PS3.3 C.12.1.1.2 → encoding label. Others are read as Latin-1, which is never refused. */
const characterSets: Readonly<Record<string, string>> = {
  "ISO_IR 192": "utf-8",
  GB18030: "gb18030",
  GBK: "gbk",
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 148": "windows-1254",
  "ISO_IR 166": "windows-874",
  "ISO_IR 13": "shift_jis",
};

/** The text of an element, its padding removed; `undefined` where it is absent or empty. Several values keep the backslash. */
export function text(dataSet: DataSet, keyword: Keyword): string | undefined {
  const element = dataSet.elements.get(dictionary[keyword][0]);
  return element === undefined ? undefined : textOf(dataSet, element);
}

/**
 * All numbers of an element, whatever its VR; `undefined` where it is absent, empty, or holds anything that is no
 * number. "US or SS" follows PixelRepresentation (PS3.5 A.1).
 */
export function numbers(dataSet: DataSet, keyword: Keyword): readonly number[] | undefined {
  const [tag, listed] = dictionary[keyword];
  const element = dataSet.elements.get(tag);
  if (element === undefined || element.length === 0) return undefined;
  const vr = listed === "xs" ? pixelVr(dataSet) : element.vr === "UN" ? listed : element.vr;
  const reader = binaryReaders[vr];
  if (reader !== undefined) return binaryNumbers(dataSet, element, reader);
  return decimalNumbers(textOf(dataSet, element));
}

function number(dataSet: DataSet, keyword: Keyword): number | undefined {
  return numbers(dataSet, keyword)?.[0];
}

function pixelVr(dataSet: DataSet): "US" | "SS" {
  return number(dataSet, "PixelRepresentation") === 1 ? "SS" : "US";
}

interface BinaryReader {
  readonly size: number;
  get(view: DataView, at: number): number;
}

const binaryReaders: Readonly<Record<string, BinaryReader>> = {
  US: { size: 2, get: (view, at) => view.getUint16(at, true) },
  SS: { size: 2, get: (view, at) => view.getInt16(at, true) },
  OW: { size: 2, get: (view, at) => view.getUint16(at, true) },
  UL: { size: 4, get: (view, at) => view.getUint32(at, true) },
  SL: { size: 4, get: (view, at) => view.getInt32(at, true) },
  FL: { size: 4, get: (view, at) => view.getFloat32(at, true) },
  FD: { size: 8, get: (view, at) => view.getFloat64(at, true) },
};

function binaryNumbers(
  { bytes }: DataSet,
  { offset, length }: Element,
  { size, get }: BinaryReader,
): readonly number[] | undefined {
  if (length < size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(length / size) }, (_, index) => get(view, offset + index * size));
}

const decimal = /^[ \0]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \0]*$/;

function decimalNumbers(joined: string | undefined): readonly number[] | undefined {
  if (joined === undefined) return undefined;
  const found: number[] = [];
  for (const part of joined.split("\\")) {
    if (!decimal.test(part)) return undefined;
    found.push(Number.parseFloat(part));
  }
  return found.every(Number.isFinite) ? found : undefined; // 1e999 passes the pattern
}

function textOf(dataSet: DataSet, { offset, length }: Element): string | undefined {
  const { bytes } = dataSet;
  let start = offset;
  let end = Math.min(offset + length, bytes.length);
  while (end > start && isPadding(bytes[end - 1])) end--;
  while (start < end && isPadding(bytes[start])) start++;
  if (start === end) return undefined;
  if (end - start > 128) return decode(dataSet, bytes.subarray(start, end));
  let ascii = "";
  for (let at = start; at < end; at++) {
    const code = bytes[at]!;
    if (code > 0x7f) return decode(dataSet, bytes.subarray(start, end));
    ascii += String.fromCharCode(code); // four times as fast as a decoder for the short values of a header
  }
  return ascii;
}

function decode(dataSet: DataSet, bytes: Uint8Array): string {
  const [tag] = dictionary.SpecificCharacterSet;
  const element = dataSet.elements.get(tag);
  const set = element === undefined ? "" : latinText(dataSet.bytes, element);
  const term = set.split("\\")[0]?.trim() ?? "";
  return new TextDecoder(characterSets[term] ?? "latin1").decode(bytes);
}

function latinText(bytes: Uint8Array, { offset, length }: Element): string {
  return new TextDecoder("latin1").decode(bytes.subarray(offset, offset + Math.min(length, 256)));
}

function isPadding(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}
