import { decodeText } from "./character-sets.ts";
import type { DataSet, Element } from "./data-set.ts";
import { dictionary, type Keyword, listedVr } from "./dictionary.ts";

/** The text of an element, its padding removed; `undefined` where it is absent or empty. Several values keep the backslash. */
export function text(dataSet: DataSet, what: Keyword | number): string | undefined {
  const element = dataSet.elements.get(tagOf(what));
  return element === undefined ? undefined : textOf(dataSet, element);
}

/** The groups of a person's name (PS3.5 6.2.1), each with its parts joined by `^`; `undefined` where a group is empty. */
export interface PersonName {
  readonly alphabetic: string | undefined;
  readonly ideographic: string | undefined;
  readonly phonetic: string | undefined;
}

/** The names of an element, by keyword or by tag; none where it is absent or empty. */
export function personNames(dataSet: DataSet, what: Keyword | number): readonly PersonName[] {
  return (text(dataSet, what)?.split("\\") ?? []).map((name) => {
    const [alphabetic, ideographic, phonetic] = name.split("=").map((group) => group.trim() || undefined);
    return { alphabetic, ideographic, phonetic };
  });
}

/** More numbers than any table has; longer values are read as bytes. */
const mostNumbers = 1 << 20;

/**
 * All numbers of an element, by keyword or by tag and whatever its VR; `undefined` where it is absent, empty, or holds
 * anything that is no finite number. "US or SS" follows PixelRepresentation (PS3.5 A.1). Values of 64 bits are exact to
 * 2^53; a tag (AT) is one number, 0x00281053.
 */
export function numbers(dataSet: DataSet, what: Keyword | number): readonly number[] | undefined {
  const tag = tagOf(what);
  const element = dataSet.elements.get(tag);
  if (element === undefined || element.length === 0) return undefined;
  const listed = typeof what === "number" ? listedVr(tag) : rows.get(what)![1];
  const vr = listed === "xs" ? pixelVr(dataSet) : element.vr === "UN" ? listed : element.vr;
  const reader = binaryReaders[vr];
  if (reader !== undefined) return binaryNumbers(dataSet, element, reader);
  return plainDecimals(dataSet.bytes, element) ?? decimalNumbers(textOf(dataSet, element));
}

/** The bytes of an element as they stand in the file, a view; `undefined` where it is absent. */
export function bytesOf(dataSet: DataSet, what: Keyword | number): Uint8Array | undefined {
  const element = dataSet.elements.get(tagOf(what));
  return element && dataSet.bytes.subarray(element.offset, element.offset + element.length);
}

/** A map is twice as fast to look into as an object of so many names, and a header is asked some sixty times. */
const rows: ReadonlyMap<string, readonly [tag: number, vr: string]> = new Map(Object.entries(dictionary));

function tagOf(what: Keyword | number): number {
  return typeof what === "number" ? what : rows.get(what)![0];
}

/** US or SS, as PixelRepresentation of the data set says, or else of the one around it. */
export function pixelVr(dataSet: DataSet): "US" | "SS" {
  for (let around: DataSet | undefined = dataSet; around !== undefined; around = around.parent) {
    const sign = numbers(around, "PixelRepresentation")?.[0];
    if (sign !== undefined) return sign === 1 ? "SS" : "US";
  }
  return "US";
}

interface BinaryReader {
  readonly size: number;
  get(view: DataView, at: number, little: boolean): number;
}

const words: BinaryReader = { size: 2, get: (view, at, little) => view.getUint16(at, little) };
const unsignedLongs: BinaryReader = { size: 4, get: (view, at, little) => view.getUint32(at, little) };
const floats: BinaryReader = { size: 4, get: (view, at, little) => view.getFloat32(at, little) };
const doubles: BinaryReader = { size: 8, get: (view, at, little) => view.getFloat64(at, little) };
const unsignedVeryLongs: BinaryReader = { size: 8, get: (view, at, little) => Number(view.getBigUint64(at, little)) };

const binaryReaders: Readonly<Record<string, BinaryReader>> = {
  OB: { size: 1, get: (view, at) => view.getUint8(at) },
  US: words,
  OW: words,
  SS: { size: 2, get: (view, at, little) => view.getInt16(at, little) },
  UL: unsignedLongs,
  OL: unsignedLongs,
  SL: { size: 4, get: (view, at, little) => view.getInt32(at, little) },
  AT: { size: 4, get: (view, at, little) => view.getUint16(at, little) * 65536 + view.getUint16(at + 2, little) },
  FL: floats,
  OF: floats,
  FD: doubles,
  OD: doubles,
  UV: unsignedVeryLongs,
  OV: unsignedVeryLongs,
  SV: { size: 8, get: (view, at, little) => Number(view.getBigInt64(at, little)) },
};

function binaryNumbers(
  { bytes, byteOrder }: DataSet,
  { tag, offset, length }: Element,
  { size, get }: BinaryReader,
): readonly number[] | undefined {
  const count = Math.floor(length / size);
  if (count === 0 || count > mostNumbers) return undefined;
  if (length === 2 && byteOrder === "little" && get === words.get) return [bytes[offset]! | (bytes[offset + 1]! << 8)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = byteOrder === "little" || tag >>> 16 === 2; // the meta header is little endian everywhere
  const found: number[] = [];
  for (let index = 0; index < count; index++) {
    const value = get(view, offset + index * size, little);
    if (!Number.isFinite(value)) return undefined;
    found.push(value);
  }
  return found;
}

/** 10^0 … 10^22 are exact as float64. */
const powersOfTen = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/** Digits that are surely exact as one float64, 2^53 being 9.007·10^15. */
const mostMantissa = 9e14;

/**
 * Decimals without an exponent and of few digits, which nearly all are, straight from their bytes: a quotient of two exact
 * numbers is rounded once, so "-141.318451" is −141318451 / 10^6, bit by bit what a parser of text gives. `undefined` for
 * anything else, wrong or only unusual.
 */
function plainDecimals(bytes: Uint8Array, { offset, length }: Element): readonly number[] | undefined {
  let found: number[] | undefined; // made with its first number: nearly always the only one
  const end = Math.min(offset + length, bytes.length);
  for (let at = offset; at <= end; at++) {
    while (at < end && isPadding(bytes[at])) at++;
    const sign = bytes[at];
    if (at < end && (sign === 0x2d || sign === 0x2b)) at++;
    let [mantissa, digits, behindPoint] = [0, 0, -1];
    for (; at < end; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit >= 0 && digit <= 9 && mantissa < mostMantissa) {
        mantissa = 10 * mantissa + digit;
        digits++;
        if (behindPoint >= 0) behindPoint++;
      } else if (digit === -2 && behindPoint < 0) behindPoint = 0;
      else break;
    }
    while (at < end && isPadding(bytes[at])) at++;
    if (digits === 0 || behindPoint > 22 || (at < end && bytes[at] !== backslash)) return undefined;
    const value = behindPoint > 0 ? mantissa / powersOfTen[behindPoint]! : mantissa;
    const signed = sign === 0x2d ? -value : value;
    if (found === undefined) found = [signed];
    else found.push(signed);
  }
  return found;
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

function textOf(dataSet: DataSet, { vr, offset, length }: Element): string | undefined {
  const { bytes } = dataSet;
  let start = offset;
  let end = Math.min(offset + length, bytes.length);
  while (end > start && isPadding(bytes[end - 1])) end--;
  while (start < end && isPadding(bytes[start])) start++;
  if (start === end) return undefined;
  if (end - start > 128) return decode(dataSet, vr, bytes.subarray(start, end));
  let ascii = "";
  for (let at = start; at < end; at++) {
    const code = bytes[at]!;
    if (code > 0x7f || code === 0x1b) return decode(dataSet, vr, bytes.subarray(start, end));
    ascii += String.fromCharCode(code); // four times as fast as a decoder for the short values of a header
  }
  return ascii;
}

function decode(dataSet: DataSet, vr: string, bytes: Uint8Array): string {
  return decodeText(bytes, characterSetTerms(dataSet), delimitersOf[vr] ?? []);
}

const backslash = 0x5c;

/** Bytes behind which the first character set holds again: between values, and in names between their parts (PS3.5 6.1.2.5.3). */
const delimitersOf: Readonly<Record<string, readonly number[]>> = {
  PN: [backslash, 0x5e, 0x3d], // ^ and =
  SH: [backslash],
  LO: [backslash],
  UC: [backslash],
};

/** The values of SpecificCharacterSet, of the data set or else of the one around it (PS3.5 7.5.3). */
function characterSetTerms(dataSet: DataSet): readonly string[] {
  const element = dataSet.elements.get(dictionary.SpecificCharacterSet[0]);
  if (element === undefined) return dataSet.parent === undefined ? [] : characterSetTerms(dataSet.parent);
  return latinText(dataSet.bytes, element).split("\\");
}

function latinText(bytes: Uint8Array, { offset, length }: Element): string {
  return new TextDecoder("latin1").decode(bytes.subarray(offset, offset + Math.min(length, 256)));
}

function isPadding(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}
