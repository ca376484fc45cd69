import { dictionary, type Keyword } from "./dictionary.ts";
import { explicitLittleEndian, implicitLittleEndian } from "./transfer-syntaxes.ts";
import { type WritableElement, writeDataSet } from "./write-data-set.ts";

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

/**
 * A DICOM file (PS3.10 7.1) from elements by keyword, in Explicit VR Little Endian unless another native syntax is asked
 * for. The same elements give the same bytes. Decimal strings are shortened to their 16 characters; text is UTF-8.
 */
export function writeDicom(
  elements: WritableElements,
  { vr = "explicit" }: { readonly vr?: "explicit" | "implicit" } = {},
): Uint8Array {
  const transferSyntax = vr === "explicit" ? explicitLittleEndian : implicitLittleEndian;
  const MediaStorageSOPClassUID = elements.SOPClassUID ?? ctImageStorage;
  return writeDataSet(encodeElements({ MediaStorageSOPClassUID, ...elements }), { transferSyntax });
}

/** Elements by keyword as elements by tag, their values as bytes. */
export function encodeElements(elements: WritableElements): WritableElement[] {
  const signed = elements.PixelRepresentation === 1;
  return Object.entries(elements).flatMap(([keyword, value]) => {
    if (!(keyword in dictionary)) throw new Error(`no element is called ${keyword}`);
    if (value === undefined) return [];
    const [tag, listed] = dictionary[keyword as Keyword];
    const vr = listed !== "xs" ? listed : signed ? "SS" : "US";
    return [{ tag, vr, value: vr === "SQ" ? encodeItems(value) : valueBytes(value, keyword, vr) }];
  });
}

function encodeItems(value: ElementValue): WritableElement[][] {
  return (value as readonly WritableElements[]).map(encodeElements);
}

/** The bytes of a value, little endian. */
function valueBytes(value: ElementValue, keyword: string, vr: string): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const values = Array.isArray(value) ? (value as readonly (string | number)[]) : [value];
  const binary = binaryWriters[vr];
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
  return new TextEncoder().encode(text);
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
