import { fail, ok, type Problem, type Result } from "../base/index.ts";
import type { DataSet, Element, PixelDataPlace } from "./data-set.ts";
import { dictionary, formatTag, pixelDataTag, vrOfTag } from "./dictionary.ts";
import {
  explicitLittleEndian,
  implicitLittleEndian,
  nameTransferSyntax,
  transferSyntaxes,
} from "./transfer-syntaxes.ts";
import { isShortCode, isVrCode, vrName } from "./vr.ts";

/** The length that stands for "until the delimiter", PS3.5 7.1.1. */
const undefinedLength = 0xffffffff;
const itemTag = 0xfffee000;
const itemEndTag = 0xfffee00d;
const sequenceEndTag = 0xfffee0dd;

/** Items in items deeper than this are refused: no real file comes near, and a hostile one shall not cost time. */
const deepest = 64;

/** More elements than any header has: bounds the memory that a hostile file can take. */
const mostElements = 65_536;

/** The preamble's 128 bytes and "DICM", PS3.10 7.1. */
const magicOffset = 128;

/** What came of walking bytes that may be only the beginning of a file. */
export type Parsed =
  | { readonly kind: "done"; readonly dataSet: DataSet }
  /** The header goes on behind the bytes; at least so many are needed. */
  | { readonly kind: "more"; readonly neededBytes: number }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Reads the elements of a DICOM file that is in memory, up to its pixel data. Problems: "not DICOM", "damaged", "transfer syntax". */
export function readDataSet(bytes: Uint8Array, where: string): Result<DataSet> {
  const parsed = parse(bytes, { where, sizeBytes: bytes.length });
  if (parsed.kind === "done") return ok(parsed.dataSet);
  return fail(parsed.kind === "problem" ? parsed.problem : endsEarly(where, bytes.length, parsed.neededBytes));
}

/** The problem of a header that the file cuts off. */
export function endsEarly(where: string, gotBytes: number, neededBytes: number): Problem {
  return {
    kind: "truncated",
    where: `${where}: header`,
    got: `${gotBytes} bytes`,
    expected: `at least ${neededBytes} bytes (PS3.5 7.1)`,
    next: "copy the file again from its source",
  };
}

interface Source {
  readonly where: string;
  /** Of the whole file, of which the bytes may be the beginning. */
  readonly sizeBytes: number;
}

/** Walks the elements of a file, of which the bytes are the beginning. Bounded by the bytes: each is passed once. */
export function parse(bytes: Uint8Array, source: Source): Parsed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = findStart(view, source);
  if (start.kind !== "start") return start;
  const elements = new Map<number, Element>();
  let at = start.offset;
  if (start.meta === "meta header") {
    const meta = walk(view, { at, vr: "explicit", elements, source, only: "group 2" });
    if (meta.kind !== "end") return meta;
    at = meta.at;
  }
  const named = uidOf(bytes, elements.get(dictionary.TransferSyntaxUID[0]));
  const encoding = named === undefined ? undefined : transferSyntaxes[named]?.encoding;
  if (encoding === "deflated" || encoding === "explicit big")
    return { kind: "problem", problem: unreadable(source.where, named ?? "") };
  if (at + 8 > bytes.length && at + 8 <= source.sizeBytes) return { kind: "more", neededBytes: at + 8 };
  // The bytes themselves say whether VRs are written; some writers' meta headers are wrong.
  const vr = at + 8 <= bytes.length && isVrCode(view.getUint16(at + 4, true)) ? "explicit" : "implicit";
  const body = walk(view, { at, vr, elements, source, only: "all" });
  if (body.kind !== "end") return body;
  const native = vr === "explicit" ? explicitLittleEndian : implicitLittleEndian;
  const transferSyntax =
    named === undefined || named === implicitLittleEndian || named === explicitLittleEndian ? native : named;
  return {
    kind: "done",
    dataSet: {
      where: source.where,
      bytes: bytes.subarray(0, Math.min(body.at, bytes.length)),
      elements,
      transferSyntax,
      vr,
      pixelData: body.pixelData,
      sizeBytes: source.sizeBytes,
    },
  };
}

type Start =
  | { readonly kind: "start"; readonly offset: number; readonly meta: "meta header" | "none" }
  | Exclude<Parsed, { kind: "done" }>;

/** Where the first element stands: behind "DICM", or at 0 in files that lack the preamble (and perhaps the meta header). */
function findStart(view: DataView, { where, sizeBytes }: Source): Start {
  const wanted = magicOffset + 4;
  if (view.byteLength < wanted && sizeBytes >= wanted) return { kind: "more", neededBytes: wanted };
  if (view.byteLength >= wanted && view.getUint32(magicOffset, true) === 0x4d434944) {
    return { kind: "start", offset: wanted, meta: "meta header" };
  }
  // Without a preamble: the file must begin with an element of group 2 or 8 that fits into it.
  const group = view.byteLength >= 8 ? view.getUint16(0, true) : 0;
  const length =
    view.byteLength < 8 ? 0 : isVrCode(view.getUint16(4, true)) ? view.getUint16(6, true) : view.getUint32(4, true);
  if ((group === 2 || group === 8) && length <= sizeBytes) {
    return { kind: "start", offset: 0, meta: group === 2 ? "meta header" : "none" };
  }
  const got = `${sizeBytes} bytes that begin otherwise`;
  const expected = '"DICM" at byte 128 (PS3.10 7.1), or an element of group 0002 or 0008';
  return {
    kind: "problem",
    problem: { kind: "not DICOM", where, got, expected, next: "nothing to do if this is no image" },
  };
}

interface Walk {
  readonly at: number;
  readonly vr: "explicit" | "implicit";
  readonly elements: Map<number, Element>;
  readonly source: Source;
  readonly only: "group 2" | "all";
}

type Walked =
  | { readonly kind: "end"; readonly at: number; readonly pixelData: PixelDataPlace | undefined }
  | Exclude<Parsed, { kind: "done" }>;

/** Walks elements until the pixel data, the end of the file or, for the meta header, the first element of another group. */
function walk(view: DataView, { at: from, vr, elements, source, only }: Walk): Walked {
  const { sizeBytes } = source;
  let at = from;
  while (at + 8 <= sizeBytes) {
    const head = elementHead(view, at, vr);
    if (head.kind === "more") return head;
    if (only === "group 2" && head.tag >>> 16 !== 2) break;
    const valueAt = at + head.bytes;
    if (head.tag === pixelDataTag) {
      const length = head.length === undefinedLength ? "encapsulated" : head.length;
      return { kind: "end", at: valueAt, pixelData: { offset: valueAt, length } };
    }
    let end = valueAt + head.length;
    let length = head.length;
    if (head.length === undefinedLength) {
      const skipped = skipItems(view, { at: valueAt, vr: head.vr === "UN" ? "implicit" : vr, source, tag: head.tag });
      if (skipped.kind !== "end") return skipped;
      end = skipped.at;
      length = skipped.contentEnd - valueAt;
    }
    if (end > sizeBytes) return { kind: "problem", problem: tooLong(source, head.tag, { at, end }) };
    if (end > view.byteLength) return { kind: "more", neededBytes: Math.min(end + 8, sizeBytes) };
    if (elements.size === mostElements) {
      const got = `more than ${mostElements} elements`;
      return { kind: "problem", problem: damaged(source.where, head.tag, { got, expected: "a header of an image" }) };
    }
    elements.set(head.tag, { tag: head.tag, vr: head.vr, offset: valueAt, length });
    at = end;
  }
  return { kind: "end", at, pixelData: undefined };
}

/** Tag, VR and length of the element at a place; `bytes` is the length of the head itself (PS3.5 7.1.2, 7.1.3). */
function elementHead(view: DataView, at: number, vr: "explicit" | "implicit") {
  if (at + 8 > view.byteLength) return { kind: "more", neededBytes: at + 12 } as const;
  const tag = ((view.getUint16(at, true) << 16) | view.getUint16(at + 2, true)) >>> 0;
  const code = view.getUint16(at + 4, true);
  // Some writers put implicit elements among explicit ones: where no VR stands, none was written.
  if (vr === "implicit" || tag >>> 16 === 0xfffe || !isVrCode(code)) {
    return { kind: "head", tag, vr: vrOfTag.get(tag) ?? "UN", length: view.getUint32(at + 4, true), bytes: 8 } as const;
  }
  if (isShortCode(code))
    return { kind: "head", tag, vr: vrName(code), length: view.getUint16(at + 6, true), bytes: 8 } as const;
  if (at + 12 > view.byteLength) return { kind: "more", neededBytes: at + 12 } as const;
  return { kind: "head", tag, vr: vrName(code), length: view.getUint32(at + 8, true), bytes: 12 } as const;
}

interface Skip {
  readonly at: number;
  readonly vr: "explicit" | "implicit";
  readonly source: Source;
  readonly tag: number;
}

type Skipped =
  | { readonly kind: "end"; readonly at: number; readonly contentEnd: number }
  | Exclude<Parsed, { kind: "done" }>;

/**
 * The end of a sequence of undefined length, behind its delimiter. A stack in place of recursion, bounded in depth. A
 * delimiter that is missing is forgiven where the next element cannot belong to what it should have closed.
 */
function skipItems(view: DataView, { at: from, vr, source, tag }: Skip): Skipped {
  const open: { readonly kind: "sequence" | "item"; readonly vr: "explicit" | "implicit" }[] = [
    { kind: "sequence", vr },
  ];
  let at = from;
  let contentEnd = from;
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (at + 8 > source.sizeBytes)
      return { kind: "problem", problem: endsEarly(source.where, source.sizeBytes, at + 8) };
    const head = elementHead(view, at, top.kind === "sequence" ? "implicit" : top.vr);
    if (head.kind === "more")
      return head.neededBytes > source.sizeBytes
        ? { kind: "problem", problem: endsEarly(source.where, source.sizeBytes, head.neededBytes) }
        : head;
    contentEnd = at;
    if (head.tag === sequenceEndTag && top.kind === "item") {
      open.pop(); // the item's delimiter is missing
      continue;
    }
    if (top.kind === "sequence" && head.tag !== itemTag && head.tag !== sequenceEndTag) {
      open.pop(); // the sequence's delimiter is missing
      continue;
    }
    at += head.bytes;
    if (head.tag === sequenceEndTag || head.tag === itemEndTag) open.pop();
    else if (head.length === undefinedLength) {
      if (open.length >= deepest) {
        const got = `more than ${deepest} nested items`;
        return { kind: "problem", problem: damaged(source.where, tag, { got, expected: "fewer (PS3.5 7.5)" }) };
      }
      open.push({
        kind: top.kind === "sequence" ? "item" : "sequence",
        vr: head.vr === "UN" && top.kind === "item" ? "implicit" : top.vr,
      });
    } else at += head.length;
  }
  return { kind: "end", at, contentEnd };
}

function damaged(where: string, tag: number, what: { readonly got: string; readonly expected: string }): Problem {
  const next = "copy the file again from its source";
  return { kind: "damaged", where: `${where}: ${formatTag(tag)}`, ...what, next };
}

function tooLong(
  { where, sizeBytes }: Source,
  tag: number,
  { at, end }: { readonly at: number; readonly end: number },
): Problem {
  return {
    kind: "truncated",
    where: `${where}: ${formatTag(tag)} at byte ${at}`,
    got: `a file of ${sizeBytes} bytes`,
    expected: `${end} bytes for this element (PS3.5 7.1)`,
    next: "copy the file again from its source",
  };
}

function unreadable(where: string, uid: string): Problem {
  return {
    kind: "transfer syntax",
    where,
    got: nameTransferSyntax(uid),
    expected: "a data set in little endian that is not deflated",
    next: "convert the file, e.g. with dcmconv +te",
  };
}

function uidOf(bytes: Uint8Array, element: Element | undefined): string | undefined {
  if (element === undefined) return undefined;
  const uid = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    "latin1",
    element.offset,
    element.offset + element.length,
  );
  return uid.replace(/[\0 ]+$/, "") || undefined;
}
