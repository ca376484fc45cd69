import type { DataSet, Element } from "./data-set.ts";
import { listedVr, pixelDataTag } from "./dictionary.ts";
import { items } from "./sequences.ts";
import { bytesOf, pixelVr } from "./values.ts";
import { itemHead } from "./walk-elements.ts";
import { type Encapsulated, swapped, type WritableElement } from "./write-data-set.ts";

/**
 * The elements of a data set as they can be written again in any syntax, private ones too, in the order of the file.
 * Values are views of its bytes where the byte order allows. Left out are group lengths (PS3.5 7.2, retired) and the
 * pixel data, which a data set of a file does not hold. Of a sequence that is damaged, the items before the damage.
 */
export function elementsOf(dataSet: DataSet): WritableElement[] {
  return [...dataSet.elements.values()]
    .filter(({ tag }) => (tag & 0xffff) !== 0)
    .map((element) => ({ tag: element.tag, ...valueToWrite(dataSet, element) }));
}

function valueToWrite(dataSet: DataSet, { tag, vr: written }: Element): Omit<WritableElement, "tag"> {
  const vr = written === "xs" || (written === "UN" && listedVr(tag) === "xs") ? pixelVr(dataSet) : written;
  if (vr === "SQ") return { vr, value: items(dataSet, tag).map(elementsOf) };
  const unnamed = vr === "UN" && listedVr(tag) === "SQ" ? items(dataSet, tag) : [];
  if (unnamed.length > 0) return { vr: "SQ", value: unnamed.map(elementsOf) };
  const bytes = bytesOf(dataSet, tag) ?? new Uint8Array();
  const icon = tag === pixelDataTag ? splitFragments(bytes) : undefined;
  if (icon !== undefined) return { vr, value: icon };
  if (dataSet.byteOrder === "little" || tag >>> 16 === 2) return { vr, value: bytes };
  return { vr, value: swapped(bytes, vr) };
}

/** The offset table and the fragments of compressed pixels, from all their bytes (PS3.5 A.4); `undefined` for pixels that are not. */
export function splitFragments(bytes: Uint8Array): Encapsulated | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Uint8Array[] = [];
  let at = 0;
  for (let head = itemHead(view, 0, "little"); head?.length !== undefined; head = itemHead(view, at, "little")) {
    at = head.at + head.length;
    found.push(bytes.subarray(head.at, at));
  }
  const [offsetTable, ...fragments] = found;
  return offsetTable && { offsetTable, fragments };
}
