import type { DataSet, Element, Layout } from "./data-set.ts";
import { dictionary, formatTag, type Keyword, listedVr } from "./dictionary.ts";
import { deepest, itemHead, unknownLayout, walkElements } from "./walk-elements.ts";

/** More items than any sequence has: bounds the memory that a hostile file can take. */
const mostItems = 65_536;

/**
 * The items of a sequence, by keyword or by tag, in their order; none where the element is absent, empty or no sequence.
 * Each is a data set that shares the bytes of its parent; its own sequences are read when they are asked for. The list
 * ends before an item that is cut off or damaged, and no item lies deeper than 64 levels.
 */
export function items(dataSet: DataSet, what: Keyword | number): readonly DataSet[] {
  const element = dataSet.elements.get(typeof what === "number" ? what : dictionary[what][0]);
  if (element === undefined || element.length < 8) return [];
  const vr = element.vr === "UN" ? listedVr(element.tag) : element.vr;
  if ((vr !== "SQ" && vr !== "UN") || depthOf(dataSet) >= deepest) return [];
  return itemsOf(dataSet, element);
}

function itemsOf(parent: DataSet, element: Element): DataSet[] {
  const { bytes } = parent;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layout: Layout = element.vr === "UN" ? unknownLayout : parent;
  const found: DataSet[] = [];
  const end = Math.min(element.offset + element.length, bytes.length);
  let at = element.offset;
  while (at < end && found.length < mostItems) {
    const head = itemHead(view, at, layout.byteOrder);
    if (head === undefined) break;
    // An item that claims to be longer than its sequence ends with it, as in directories that were edited by hand.
    const sizeBytes = head.length === undefined ? end : Math.min(head.at + head.length, end);
    const where = `${parent.where}: ${formatTag(element.tag)} item ${found.length + 1}`;
    const elements = new Map<number, Element>();
    const walked = walkElements(view, { at: head.at, layout, elements, source: { where, sizeBytes }, part: "item" });
    if (walked.kind !== "end") break;
    found.push({
      where,
      bytes,
      elements,
      transferSyntax: parent.transferSyntax,
      vr: layout.vr,
      byteOrder: layout.byteOrder,
      pixelData: undefined,
      sizeBytes: parent.sizeBytes,
      parent,
    });
    at = head.length === undefined ? walked.at : sizeBytes;
  }
  return found;
}

function depthOf(dataSet: DataSet): number {
  let depth = 0;
  for (let above = dataSet.parent; above !== undefined; above = above.parent) depth++;
  return depth;
}
