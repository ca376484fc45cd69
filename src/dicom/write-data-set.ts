import { deflateRawSync } from "node:zlib";
import type { Layout } from "./data-set.ts";
import { dictionary } from "./dictionary.ts";
import { explicitBigEndian, implicitLittleEndian, transferSyntaxes } from "./transfer-syntaxes.ts";
import { hasShortLength, wordBytes } from "./vr.ts";

/** Compressed pixels: the basic offset table as it shall stand (it may be empty), and the fragments. PS3.5 A.4. */
export interface Encapsulated {
  readonly offsetTable: Uint8Array;
  readonly fragments: readonly Uint8Array[];
}

/** An element as it shall be written, of any tag, private ones too. */
export interface WritableElement {
  readonly tag: number;
  /** Two letters, never `xs`. */
  readonly vr: string;
  /** The bytes of a value in little endian, the items of a sequence, or the fragments of compressed pixels. */
  readonly value: Uint8Array | readonly (readonly WritableElement[])[] | Encapsulated;
}

export interface WriteOptions {
  /** UID; of a native, deflated or compressed syntax. Compressed pixels are written as they are given. */
  readonly transferSyntax: string;
  /** Whether sequences and items say their length or end with a delimiter. */
  readonly lengths?: "defined" | "undefined";
}

/** Ichor as the maker of a file: a UID from a UUID (PS3.5 B.2), made once. */
const implementationClassUid = "2.25.121830460319021164890125717461905438217";

const itemTag = 0xfffee000;
const itemEndTag = 0xfffee00d;
const sequenceEndTag = 0xfffee0dd;
const undefinedLength = 0xffffffff;
const littleExplicit: Layout = { vr: "explicit", byteOrder: "little" };

/**
 * A DICOM file (PS3.10 7.1): preamble, meta header, then the elements in order of their tags, those of group 2 in the
 * meta header. What the meta header lacks is made from the SOP class and instance. Values are padded to even lengths; one
 * that its VR cannot hold becomes UN (PS3.5 6.2.2). The same elements give the same bytes.
 */
export function writeDataSet(elements: readonly WritableElement[], options: WriteOptions): Uint8Array {
  const { transferSyntax, lengths = "defined" } = options;
  const meta = encode(metaHeader(elements, transferSyntax), { layout: littleExplicit, lengths });
  const groupLength = new Uint8Array(4);
  new DataView(groupLength.buffer).setUint32(0, meta.length, true);
  const first = { tag: dictionary.FileMetaInformationGroupLength[0], vr: "UL", value: groupLength };
  const preamble = new Uint8Array(132);
  preamble.set([0x44, 0x49, 0x43, 0x4d], 128); // "DICM"
  const layout = layoutOf(transferSyntax);
  const body = encode(
    elements.filter(({ tag }) => tag >>> 16 !== 2),
    { layout, lengths },
  );
  const deflated = transferSyntaxes[transferSyntax]?.encoding === "deflated";
  const bodyParts = deflated ? [even(deflateRawSync(concatenate(body.parts)), 0)] : body.parts;
  const { parts } = encode([first], { layout: littleExplicit, lengths });
  return concatenate([preamble, ...parts, ...meta.parts, ...bodyParts]);
}

function layoutOf(transferSyntax: string): Layout {
  return {
    vr: transferSyntax === implicitLittleEndian ? "implicit" : "explicit",
    byteOrder: transferSyntax === explicitBigEndian ? "big" : "little",
  };
}

/** Group 2 without its length: what is given, and what must be there. PS3.10 table 7.1-1. */
function metaHeader(elements: readonly WritableElement[], transferSyntax: string): WritableElement[] {
  const given = (tag: number) => elements.find((element) => element.tag === tag)?.value;
  const uid = (value: string) => new TextEncoder().encode(value);
  const group2 = elements.filter(({ tag }) => tag >>> 16 === 2);
  const { SOPClassUID, SOPInstanceUID } = dictionary;
  const made: readonly [keyword: keyof typeof dictionary, value: WritableElement["value"]][] = [
    ["FileMetaInformationVersion", Uint8Array.of(0, 1)],
    ["MediaStorageSOPClassUID", given(SOPClassUID[0]) ?? uid("")],
    ["MediaStorageSOPInstanceUID", given(SOPInstanceUID[0]) ?? uid("")],
    ["TransferSyntaxUID", uid(transferSyntax)],
    ["ImplementationClassUID", uid(implementationClassUid)],
    ["ImplementationVersionName", uid("ICHOR")],
  ];
  const always: readonly number[] = [
    dictionary.FileMetaInformationGroupLength[0],
    dictionary.TransferSyntaxUID[0],
    dictionary.ImplementationClassUID[0],
    dictionary.ImplementationVersionName[0],
  ];
  const kept = group2.filter(({ tag }) => !always.includes(tag));
  const tags = new Set(kept.map(({ tag }) => tag));
  const missing = made.map(([keyword, value]) => ({ tag: dictionary[keyword][0], vr: dictionary[keyword][1], value }));
  return [...kept, ...missing.filter(({ tag }) => !tags.has(tag))];
}

interface Encoded {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
}

interface Encoding {
  readonly layout: Layout;
  readonly lengths: "defined" | "undefined";
}

/** The bytes of elements as parts, in order of their tags. */
function encode(elements: readonly WritableElement[], encoding: Encoding): Encoded {
  const parts: Uint8Array[] = [];
  for (const { tag, vr, value } of elements.toSorted((a, b) => a.tag - b.tag)) {
    if (value instanceof Uint8Array) parts.push(...encodeValue({ tag, vr, value }, encoding.layout));
    else if ("fragments" in value) parts.push(...encodeFragments(tag, value));
    else parts.push(...encodeItems(tag, value, encoding));
  }
  return { parts, length: lengthOf(parts) };
}

function encodeValue(
  { tag, vr, value }: WritableElement & { readonly value: Uint8Array },
  layout: Layout,
): Uint8Array[] {
  const bytes = even(value, vr === "UI" || wordBytes(vr) > 0 ? 0 : 0x20);
  const fits = layout.vr === "implicit" || !hasShortLength(vr) || bytes.length <= 0xffff;
  const written = fits ? vr : "UN";
  const ordered = layout.byteOrder === "big" ? swapped(bytes, written) : bytes;
  return [elementHead({ tag, vr: written, length: bytes.length, layout }), ordered];
}

function encodeItems(tag: number, items: readonly (readonly WritableElement[])[], encoding: Encoding): Uint8Array[] {
  const { layout, lengths } = encoding;
  const mark = (markTag: number, length: number) => elementHead({ tag: markTag, vr: "", length, layout });
  const parts = items.flatMap((item) => {
    const content = encode(item, encoding);
    return lengths === "defined"
      ? [mark(itemTag, content.length), ...content.parts]
      : [mark(itemTag, undefinedLength), ...content.parts, mark(itemEndTag, 0)];
  });
  if (lengths === "defined") return [elementHead({ tag, vr: "SQ", length: lengthOf(parts), layout }), ...parts];
  return [elementHead({ tag, vr: "SQ", length: undefinedLength, layout }), ...parts, mark(sequenceEndTag, 0)];
}

function encodeFragments(tag: number, { offsetTable, fragments }: Encapsulated): Uint8Array[] {
  const mark = (markTag: number, length: number) =>
    elementHead({ tag: markTag, vr: "", length, layout: littleExplicit });
  const items = [offsetTable, ...fragments].flatMap((fragment) => {
    const bytes = even(fragment, 0);
    return [mark(itemTag, bytes.length), bytes];
  });
  const head = elementHead({ tag, vr: "OB", length: undefinedLength, layout: littleExplicit });
  return [head, ...items, mark(sequenceEndTag, 0)];
}

interface ElementHead {
  readonly tag: number;
  /** Empty for an item and its delimiters, which have none (PS3.5 7.5). */
  readonly vr: string;
  readonly length: number;
  readonly layout: Layout;
}

/** Tag, VR and length before a value: PS3.5 7.1.2 (explicit) and 7.1.3 (implicit). */
function elementHead({ tag, vr, length, layout }: ElementHead): Uint8Array {
  if (length > undefinedLength) throw new Error(`${length} bytes do not fit an element`);
  const implicit = layout.vr === "implicit" || vr === "";
  const short = implicit || hasShortLength(vr);
  const head = new Uint8Array(short ? 8 : 12);
  const view = new DataView(head.buffer);
  const little = layout.byteOrder === "little";
  view.setUint16(0, tag >>> 16, little);
  view.setUint16(2, tag & 0xffff, little);
  if (implicit) view.setUint32(4, length, little);
  else {
    head[4] = vr.charCodeAt(0);
    head[5] = vr.charCodeAt(1);
    if (short) view.setUint16(6, length, little);
    else view.setUint32(8, length, little);
  }
  return head;
}

/** The bytes with each number of a VR turned round; those of text, of single bytes and of a number that is cut stay. */
export function swapped(bytes: Uint8Array, vr: string): Uint8Array {
  const size = wordBytes(vr);
  if (size < 2) return bytes;
  const turned = bytes.slice();
  for (let at = 0; at + size <= bytes.length; at += size)
    for (let byte = 0; byte < size; byte++) turned[at + byte] = bytes[at + size - 1 - byte]!;
  return turned;
}

function even(bytes: Uint8Array, padding: number): Uint8Array {
  if (bytes.length % 2 === 0) return bytes;
  const padded = new Uint8Array(bytes.length + 1);
  padded.set(bytes);
  padded[bytes.length] = padding;
  return padded;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((length, part) => length + part.length, 0);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
