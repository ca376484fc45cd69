import { dictionary, type Keyword } from "./dictionary.ts";
import { explicitLittleEndian, implicitLittleEndian } from "./transfer-syntaxes.ts";
import { hasShortLength } from "./vr.ts";

/** What an element can be written from; numbers become text where the VR is text (DS, IS). Arrays are multi-valued. */
export type ElementValue =
  | string
  | number
  | readonly string[]
  | readonly number[]
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | readonly WritableElements[];

/** Elements by keyword; those that are `undefined` are left out, the empty string writes an empty element. */
export type WritableElements = { readonly [keyword in Keyword]?: ElementValue | undefined };

/** CT Image Storage, PS3.4 B.5. */
export const ctImageStorage = "1.2.840.10008.5.1.4.1.1.2";

/** Ichor as the maker of a file: a UID from a UUID (PS3.5 B.2), made once. */
const implementationClassUid = "2.25.121830460319021164890125717461905438217";

/**
 * A DICOM file (PS3.10 7.1) in Explicit VR Little Endian, or implicit on request: preamble, meta group, then the
 * elements in order of their tags. The same elements give the same bytes. Values are padded to even lengths; decimal
 * strings are shortened to their 16 characters.
 */
export function writeDicom(
  elements: WritableElements,
  { vr = "explicit" }: { readonly vr?: "explicit" | "implicit" } = {},
): Uint8Array {
  const meta: WritableElements = {
    FileMetaInformationVersion: Uint8Array.of(0, 1),
    MediaStorageSOPClassUID: elements.SOPClassUID ?? ctImageStorage,
    MediaStorageSOPInstanceUID: elements.SOPInstanceUID ?? "",
    TransferSyntaxUID: vr === "explicit" ? explicitLittleEndian : implicitLittleEndian,
    ImplementationClassUID: implementationClassUid,
    ImplementationVersionName: "ICHOR",
  };
  const metaBytes = writeElements(meta, "explicit");
  const groupLength = writeElements({ FileMetaInformationGroupLength: metaBytes.length }, "explicit");
  const preamble = new Uint8Array(132);
  preamble.set([0x44, 0x49, 0x43, 0x4d], 128); // "DICM"
  return concatenate([preamble, groupLength, metaBytes, writeElements(elements, vr)]);
}

function writeElements(elements: WritableElements, vr: "explicit" | "implicit"): Uint8Array {
  const parts: Uint8Array[] = [];
  const entries = Object.entries(elements).flatMap(([keyword, value]) => {
    if (!(keyword in dictionary)) throw new Error(`no element is called ${keyword}`);
    return value === undefined ? [] : [{ keyword, value, row: dictionary[keyword as Keyword] }];
  });
  const signed = elements.PixelRepresentation === 1;
  for (const { keyword, value, row } of entries.sort((a, b) => a.row[0] - b.row[0])) {
    const [tag, listed] = row;
    const elementVr = listed !== "xs" ? listed : signed ? "SS" : "US";
    const bytes = valueBytes(value, { keyword, elementVr, vr });
    parts.push(elementHead({ tag, elementVr, length: bytes.length, vr }), bytes);
  }
  return concatenate(parts);
}

interface ElementHead {
  readonly tag: number;
  readonly elementVr: string;
  readonly length: number;
  readonly vr: "explicit" | "implicit";
}

/** Tag, VR and length before a value: PS3.5 7.1.2 (explicit) and 7.1.3 (implicit). */
function elementHead({ tag, elementVr, length, vr }: ElementHead): Uint8Array {
  const short = hasShortLength(elementVr);
  if (vr === "explicit" && short && length > 0xffff) throw new Error(`${length} bytes do not fit the VR ${elementVr}`);
  const head = new Uint8Array(vr === "implicit" || short ? 8 : 12);
  const view = new DataView(head.buffer);
  view.setUint16(0, tag >>> 16, true);
  view.setUint16(2, tag & 0xffff, true);
  if (vr === "implicit") view.setUint32(4, length, true);
  else {
    head[4] = elementVr.charCodeAt(0);
    head[5] = elementVr.charCodeAt(1);
    if (short) view.setUint16(6, length, true);
    else view.setUint32(8, length, true);
  }
  return head;
}

interface ValueContext {
  readonly keyword: string;
  readonly elementVr: string;
  readonly vr: "explicit" | "implicit";
}

/** The bytes of a value, even in number. */
function valueBytes(value: ElementValue, { keyword, elementVr, vr }: ValueContext): Uint8Array {
  if (ArrayBuffer.isView(value)) return even(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), 0);
  const values = Array.isArray(value) ? (value as readonly (string | number | WritableElements)[]) : [value];
  if (elementVr === "SQ") return concatenate(values.flatMap((item) => itemBytes(item as WritableElements, vr)));
  const binary = binaryWriters[elementVr];
  if (binary !== undefined) {
    const bytes = new Uint8Array(binary.size * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((single, index) => {
      if (typeof single !== "number") throw new Error(`${keyword} takes numbers, got ${typeof single}`);
      binary.set(view, index * binary.size, single);
    });
    return bytes;
  }
  const text = values.map((single) => (typeof single === "number" ? decimalString(single) : String(single))).join("\\");
  return even(new TextEncoder().encode(text), elementVr === "UI" ? 0 : 0x20);
}

function itemBytes(item: WritableElements, vr: "explicit" | "implicit"): Uint8Array[] {
  const content = writeElements(item, vr);
  return [elementHead({ tag: 0xfffee000, elementVr: "", length: content.length, vr: "implicit" }), content];
}

const binaryWriters: Readonly<
  Record<string, { readonly size: number; set(view: DataView, at: number, value: number): void }>
> = {
  US: { size: 2, set: (view, at, value) => view.setUint16(at, value, true) },
  SS: { size: 2, set: (view, at, value) => view.setInt16(at, value, true) },
  UL: { size: 4, set: (view, at, value) => view.setUint32(at, value, true) },
  SL: { size: 4, set: (view, at, value) => view.setInt32(at, value, true) },
  FL: { size: 4, set: (view, at, value) => view.setFloat32(at, value, true) },
  FD: { size: 8, set: (view, at, value) => view.setFloat64(at, value, true) },
};

/** A number in the 16 characters of a DS (PS3.5 6.2), as exact as they allow. */
function decimalString(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} is no decimal string`);
  let text = String(value);
  for (let digits = 16; text.length > 16; digits--) text = String(Number(value.toPrecision(digits)));
  return text;
}

function even(bytes: Uint8Array, padding: number): Uint8Array {
  if (bytes.length % 2 === 0) return bytes;
  const padded = new Uint8Array(bytes.length + 1);
  padded.set(bytes);
  padded[bytes.length] = padding;
  return padded;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
