import { fail, ok, type Result } from "../base/index.ts";
import type { DataSet, Element, Layout } from "./data-set.ts";
import { inflate, mostDeflatedBytes } from "./deflated.ts";
import { dictionary } from "./dictionary.ts";
import {
  explicitBigEndian,
  explicitLittleEndian,
  implicitLittleEndian,
  isNative,
  nameTransferSyntax,
  transferSyntaxes,
} from "./transfer-syntaxes.ts";
import { isVrCode } from "./vr.ts";
import { endsEarly, type Source, type Unfinished, walkElements } from "./walk-elements.ts";

/** The preamble's 128 bytes and "DICM", PS3.10 7.1. */
const magicOffset = 128;

/** What came of walking bytes that may be only the beginning of a file. */
export type Parsed = { readonly kind: "done"; readonly dataSet: DataSet } | Unfinished;

/**
 * Reads the elements of a DICOM file that is in memory, up to its pixel data. Problems: "not DICOM", "truncated",
 * "damaged", "too large".
 */
export function readDataSet(bytes: Uint8Array, where: string): Result<DataSet> {
  const parsed = parse(bytes, { where, sizeBytes: bytes.length });
  if (parsed.kind === "done") return ok(parsed.dataSet);
  if (parsed.kind === "problem") return parsed;
  return fail(endsEarly(where, { got: bytes.length, needed: parsed.neededBytes }));
}

/** Walks the elements of a file, of which the bytes are the beginning. Bounded by the bytes: each is passed once. */
export function parse(bytes: Uint8Array, source: Source): Parsed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = findStart(view, source);
  if (start.kind !== "start") return start;
  const elements = new Map<number, Element>();
  let at = start.offset;
  if (start.meta === "meta header") {
    const layout = layoutAt(view, at);
    const meta = walkElements(view, { at, layout, elements, source, part: "meta" });
    if (meta.kind !== "end") return meta;
    at = meta.at;
  }
  const named = uidOf(bytes, elements.get(dictionary.TransferSyntaxUID[0]));
  const body = { bytes, at, elements, named };
  return named !== undefined && transferSyntaxes[named]?.encoding === "deflated"
    ? parseDeflated(body, source)
    : parseBody(body, source);
}

interface Body {
  readonly bytes: Uint8Array;
  /** Where the elements behind the meta header begin. */
  readonly at: number;
  readonly elements: Map<number, Element>;
  /** UID of the transfer syntax in the meta header. */
  readonly named: string | undefined;
}

function parseBody({ bytes, at, elements, named }: Body, source: Source): Parsed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 8 > bytes.length && at + 8 <= source.sizeBytes) return { kind: "more", neededBytes: at + 8 };
  const layout = layoutAt(view, at, named);
  const body = walkElements(view, { at, layout, elements, source, part: "header" });
  if (body.kind !== "end") return body;
  const { pixelData } = body;
  const dataSet: DataSet = {
    where: source.where,
    bytes: bytes.subarray(0, Math.min(body.at, bytes.length)),
    elements,
    transferSyntax: named === undefined || isNative(named) ? syntaxOf(layout) : named,
    vr: layout.vr,
    byteOrder: layout.byteOrder,
    pixelData: pixelData && { offset: pixelData.offset, length: pixelData.length, memory: undefined },
    sizeBytes: source.sizeBytes,
    parent: undefined,
  };
  return { kind: "done", dataSet };
}

/** Inflates what stands behind the meta header, PS3.5 A.5, and reads it; the whole file is needed for that. */
function parseDeflated({ bytes, at, elements, named }: Body, source: Source): Parsed {
  const { where, sizeBytes } = source;
  if (sizeBytes - at > mostDeflatedBytes) {
    const got = `${sizeBytes} bytes of ${nameTransferSyntax(named ?? "")}`;
    const next = "convert the file, e.g. with dcmconv +te";
    const expected = `at most ${mostDeflatedBytes} bytes of a deflated data set`;
    return { kind: "problem", problem: { kind: "too large", where, got, expected, next } };
  }
  if (bytes.length < sizeBytes) return { kind: "more", neededBytes: sizeBytes };
  const inflated = inflate(bytes.subarray(at), where);
  if (inflated.kind === "problem") return inflated;
  const memory = inflated.value;
  const meta = [...elements.values()];
  elements.clear();
  const parsed = parseBody({ bytes: memory, at: 0, elements, named }, { where, sizeBytes: memory.length });
  if (parsed.kind === "more")
    return { kind: "problem", problem: endsEarly(where, { got: memory.length, needed: parsed.neededBytes }) };
  if (parsed.kind === "problem") return parsed;
  const { dataSet } = parsed;
  // The elements of the meta header point into the file's bytes: those come first, and all others move behind them.
  const joined = new Uint8Array(at + dataSet.bytes.length);
  joined.set(bytes.subarray(0, at));
  joined.set(dataSet.bytes, at);
  const moved = [...elements.values()].map((element) => ({ ...element, offset: element.offset + at }));
  const all = new Map([...meta, ...moved].map((element) => [element.tag, element]));
  const pixelData = dataSet.pixelData && { ...dataSet.pixelData, memory };
  return { kind: "done", dataSet: { ...dataSet, bytes: joined, elements: all, pixelData, sizeBytes } };
}

type Start = { readonly kind: "start"; readonly offset: number; readonly meta: "meta header" | "none" } | Unfinished;

/** Where the first element stands: behind "DICM", or at 0 in files that lack the preamble (and perhaps the meta header). */
function findStart(view: DataView, { where, sizeBytes }: Source): Start {
  const wanted = magicOffset + 4;
  if (view.byteLength < wanted && sizeBytes >= wanted) return { kind: "more", neededBytes: wanted };
  if (view.byteLength >= wanted && view.getUint32(magicOffset, true) === 0x4d434944) {
    return metaAt(view, wanted);
  }
  // Without a preamble: the file must begin with an element of group 2 or 8 that fits into it.
  if (view.byteLength >= 8) {
    const little = layoutAt(view, 0).byteOrder === "little";
    const group = view.getUint16(0, little);
    const length = isVrCode(view.getUint16(4, true)) ? view.getUint16(6, little) : view.getUint32(4, little);
    if ((group === 2 || group === 8) && length <= sizeBytes) return metaAt(view, 0);
  }
  const got = `${sizeBytes} bytes that begin otherwise`;
  const expected = '"DICM" at byte 128 (PS3.10 7.1), or an element of group 0002 or 0008';
  return {
    kind: "problem",
    problem: { kind: "not DICOM", where, got, expected, next: "nothing to do if this is no image" },
  };
}

function metaAt(view: DataView, offset: number): Start {
  const group = offset + 2 <= view.byteLength ? view.getUint16(offset, true) : 2;
  return { kind: "start", offset, meta: group === 2 || group === 0x0200 ? "meta header" : "none" };
}

/**
 * The bytes themselves say how they are laid out, since some writers' meta headers are wrong: a VR stands there or does
 * not, and a group 8 (or 2), with which nearly every data set begins, has its bytes in one order. Else the name decides.
 */
function layoutAt(view: DataView, at: number, named?: string): Layout {
  if (at + 8 > view.byteLength) return { vr: "implicit", byteOrder: "little" };
  if (!isVrCode(view.getUint16(at + 4, true))) return { vr: "implicit", byteOrder: "little" };
  const group = view.getUint16(at, true);
  const big = group === 0x0800 || group === 0x0200 || (named === explicitBigEndian && group !== 8);
  return { vr: "explicit", byteOrder: big ? "big" : "little" };
}

function syntaxOf({ vr, byteOrder }: Layout): string {
  if (byteOrder === "big") return explicitBigEndian;
  return vr === "explicit" ? explicitLittleEndian : implicitLittleEndian;
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
