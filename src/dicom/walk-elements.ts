import type { Problem } from "../base/index.ts";
import type { Element, Layout, PixelDataPlace } from "./data-set.ts";
import { formatTag, listedVr, pixelDataTag } from "./dictionary.ts";
import { isShortCode, isVrCode, vrCode, vrName } from "./vr.ts";

/** The length that stands for "until the delimiter", PS3.5 7.1.1. */
const undefinedLength = 0xffffffff;
/** Opens an item of a sequence, PS3.5 7.5. */
export const itemTag = 0xfffee000;
const itemEndTag = 0xfffee00d;
const sequenceEndTag = 0xfffee0dd;
const delimiterGroup = 0xfffe;

/** Items in items deeper than this are refused: no real file comes near, and a hostile one shall not cost time. */
export const deepest = 64;

/** More elements than any header has: bounds the memory that a hostile file can take. */
const mostElements = 65_536;

const unCode = vrCode("UN");
/** What a value of VR UN and undefined length holds, whatever lies around it: PS3.5 6.2.2. */
export const unknownLayout: Layout = { vr: "implicit", byteOrder: "little" };

/** What was walked, of which the bytes at hand may be the beginning. */
export interface Source {
  readonly where: string;
  /** Of the whole file, or where the item ends. */
  readonly sizeBytes: number;
}

/** The header goes on behind the bytes at hand, or what they hold cannot be read. */
export type Unfinished =
  | { readonly kind: "more"; readonly neededBytes: number }
  | { readonly kind: "problem"; readonly problem: Problem };

interface Walk {
  readonly at: number;
  readonly layout: Layout;
  readonly elements: Map<number, Element>;
  readonly source: Source;
  /** `meta`: group 2 alone; `header`: up to the pixel data; `item`: up to its delimiter. */
  readonly part: "meta" | "header" | "item";
}

/** `at` is behind what was walked. */
export type Walked =
  | { readonly kind: "end"; readonly at: number; readonly pixelData: Omit<PixelDataPlace, "memory"> | undefined }
  | Unfinished;

/**
 * Walks elements from a place to the end of a part. Each byte is passed once; nothing is decoded. Trailing zeros, which
 * some archives add, end the walk.
 */
export function walkElements(view: DataView, { at: from, layout, elements, source, part }: Walk): Walked {
  const { sizeBytes } = source;
  const head: Head = { tag: 0, code: 0, length: 0, bytes: 0 };
  let at = from;
  while (at + 8 <= sizeBytes) {
    if (!readHead(view, at, { head, layout, sizeBytes })) return needMore(at + 12, source);
    const { tag } = head;
    const valueAt = at + head.bytes;
    if (tag >>> 16 === delimiterGroup && part === "item" && tag !== itemTag)
      return end(tag === itemEndTag ? valueAt : at);
    if (tag >>> 16 !== 2 && part === "meta") break;
    if (tag === pixelDataTag && part === "header") {
      const length = head.length === undefinedLength ? "encapsulated" : head.length;
      return { kind: "end", at: valueAt, pixelData: { offset: valueAt, length } };
    }
    if (tag === 0 && head.length === 0) break;
    const vr = head.code === 0 ? listedVr(tag) : vrName(head.code);
    let next = valueAt + head.length;
    let length = head.length;
    if (length === undefinedLength) {
      const skipped = skipItems(view, { at: valueAt, layout: vr === "UN" ? unknownLayout : layout, source, tag });
      if (skipped.kind !== "end") return skipped;
      next = skipped.at;
      length = skipped.contentEnd - valueAt;
    }
    if (next > sizeBytes) return { kind: "problem", problem: tooLong(source, tag, { at, next }) };
    if (next > view.byteLength) return { kind: "more", neededBytes: Math.min(next + 8, sizeBytes) };
    if (elements.size === mostElements) {
      const got = `more than ${mostElements} elements`;
      return { kind: "problem", problem: damaged(source.where, tag, { got, expected: "a header of an image" }) };
    }
    if (tag >>> 16 !== delimiterGroup) elements.set(tag, { tag, vr, offset: valueAt, length });
    at = next;
  }
  return end(at);
}

function end(at: number): Walked {
  return { kind: "end", at, pixelData: undefined };
}

/** The head of an element; one object is written over again and again, since a header has thirty and an archive millions. */
interface Head {
  tag: number;
  /** Of the VR (vr.ts); 0 where none is written. */
  code: number;
  /** Of the value, as written. */
  length: number;
  /** Of the head itself. */
  bytes: number;
}

interface HeadContext {
  readonly head: Head;
  readonly layout: Layout;
  readonly sizeBytes: number;
}

/** Reads tag, VR and length (PS3.5 7.1.2, 7.1.3); false where the bytes at hand end before. */
function readHead(view: DataView, at: number, { head, layout, sizeBytes }: HeadContext): boolean {
  if (at + 8 > view.byteLength) return false;
  const little = layout.byteOrder === "little";
  const tag = ((view.getUint16(at, little) << 16) | view.getUint16(at + 2, little)) >>> 0;
  const code = view.getUint16(at + 4, true);
  head.tag = tag;
  head.bytes = 8;
  // Some writers put implicit elements among explicit ones: where no VR stands, none was written.
  if (layout.vr === "implicit" || tag >>> 16 === delimiterGroup || !isVrCode(code)) {
    head.code = 0;
    head.length = view.getUint32(at + 4, little);
  } else if (isShortCode(code)) {
    head.code = code;
    head.length = view.getUint16(at + 6, little);
  } else {
    if (at + 12 > view.byteLength && view.byteLength < sizeBytes) return false;
    head.code = code;
    head.bytes = 12;
    // 0 where the file ends within the head; the element then lies behind its end, and is refused
    head.length = at + 12 > view.byteLength ? 0 : view.getUint32(at + 8, little);
  }
  return true;
}

function needMore(neededBytes: number, { where, sizeBytes }: Source): Unfinished {
  if (neededBytes - 4 <= sizeBytes) return { kind: "more", neededBytes: Math.min(neededBytes, sizeBytes) };
  return { kind: "problem", problem: endsEarly(where, { got: sizeBytes, needed: neededBytes }) };
}

interface Skip {
  readonly at: number;
  readonly layout: Layout;
  readonly source: Source;
  readonly tag: number;
}

type Skipped = { readonly kind: "end"; readonly at: number; readonly contentEnd: number } | Unfinished;

/**
 * The end of a sequence of undefined length, behind its delimiter. A stack in place of recursion, bounded in depth. A
 * delimiter that is missing is forgiven where the next element cannot belong to what it should have closed.
 */
function skipItems(view: DataView, { at: from, layout: outer, source, tag }: Skip): Skipped {
  const { where, sizeBytes } = source;
  const head: Head = { tag: 0, code: 0, length: 0, bytes: 0 };
  const open: { readonly kind: "sequence" | "item"; readonly layout: Layout }[] = [{ kind: "sequence", layout: outer }];
  let at = from;
  let contentEnd = from;
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { kind, layout } = top;
    if (at + 8 > sizeBytes) return { kind: "problem", problem: endsEarly(where, { got: sizeBytes, needed: at + 8 }) };
    if (!readHead(view, at, { head, layout, sizeBytes })) return needMore(at + 12, source);
    contentEnd = at;
    const closesOuter =
      kind === "item" ? head.tag === sequenceEndTag : head.tag !== itemTag && head.tag !== sequenceEndTag;
    if (closesOuter) {
      open.pop(); // the delimiter of the item or of the sequence is missing
      continue;
    }
    at += head.bytes;
    if (head.tag === sequenceEndTag || head.tag === itemEndTag) open.pop();
    else if (head.length !== undefinedLength) at += head.length;
    else if (open.length < deepest) {
      const unknown = kind === "item" && (head.code === unCode || (head.code === 0 && listedVr(head.tag) === "UN"));
      open.push({ kind: kind === "sequence" ? "item" : "sequence", layout: unknown ? unknownLayout : layout });
    } else {
      const got = `more than ${deepest} nested items`;
      return { kind: "problem", problem: damaged(where, tag, { got, expected: "fewer (PS3.5 7.5)" }) };
    }
  }
  return { kind: "end", at, contentEnd };
}

/** Where the content of an item lies, and where the next item may stand; the walk of `undefined` lengths finds its end. */
export interface ItemHead {
  readonly at: number;
  readonly length: number | undefined;
}

/** The head of an item at a place; `undefined` where none stands there. */
export function itemHead(view: DataView, at: number, byteOrder: Layout["byteOrder"]): ItemHead | undefined {
  if (at + 8 > view.byteLength) return undefined;
  const little = byteOrder === "little";
  if (view.getUint16(at, little) !== delimiterGroup || view.getUint16(at + 2, little) !== (itemTag & 0xffff))
    return undefined;
  const length = view.getUint32(at + 4, little);
  return { at: at + 8, length: length === undefinedLength ? undefined : length };
}

/** The problem of a header that the file cuts off; lengths in bytes. */
export function endsEarly(where: string, { got, needed }: { readonly got: number; readonly needed: number }): Problem {
  return {
    kind: "truncated",
    where: `${where}: header`,
    got: `${got} bytes`,
    expected: `at least ${needed} bytes (PS3.5 7.1)`,
    next: "copy the file again from its source",
  };
}

function damaged(where: string, tag: number, what: { readonly got: string; readonly expected: string }): Problem {
  const next = "copy the file again from its source";
  return { kind: "damaged", where: `${where}: ${formatTag(tag)}`, ...what, next };
}

function tooLong(
  { where, sizeBytes }: Source,
  tag: number,
  { at, next: end }: { readonly at: number; readonly next: number },
): Problem {
  return {
    kind: "truncated",
    where: `${where}: ${formatTag(tag)} at byte ${at}`,
    got: `a file of ${sizeBytes} bytes`,
    expected: `${end} bytes for this element (PS3.5 7.1)`,
    next: "copy the file again from its source",
  };
}
