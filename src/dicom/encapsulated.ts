import { fail, ok, type Problem, type Result } from "../base/index.ts";
import type { ByteFile } from "../storage/index.ts";
import { damagedPixels } from "./codecs/port.ts";
import type { DataSet } from "./data-set.ts";
import { dictionary, formatTag } from "./dictionary.ts";

/** One fragment of compressed pixels: where its bytes lie in the file. */
export interface Fragment {
  readonly offset: number;
  readonly length: number;
}

const itemTag = 0xfffee000;
const delimiterTag = 0xfffee0dd;
const itemHead = 8; // tag and length

/** Read at once where items are passed: many small ones cost no read each. */
const pageBytes = 1024;

/** More fragments than any file has: bounds the memory that a hostile one can take. */
const mostFragments = 2 ** 18;

/** Found once a header, so that reading frame after frame does not walk the file again and again. */
const known = new WeakMap<DataSet, Result<readonly (readonly Fragment[])[]>>();

/**
 * The fragments of each frame of encapsulated pixels (PS3.5 A.4), by the heads of the items alone. Frames are told apart by
 * the extended or the basic offset table where it fits the fragments, else a fragment is a frame where the counts agree,
 * else a frame begins wherever a stream of the JPEG family does. The delimiter may be missing at the end of the file.
 * Problems: "truncated" (a fragment that goes beyond the file), "damaged pixel data".
 */
export function indexFrames(file: ByteFile, header: DataSet, frames: number): Result<readonly (readonly Fragment[])[]> {
  const before = known.get(header);
  if (before !== undefined) return before;
  const found = findFrames(file, header, frames);
  known.set(header, found);
  return found;
}

function findFrames(file: ByteFile, header: DataSet, frames: number): Result<readonly (readonly Fragment[])[]> {
  const where = header.where;
  const walked = walkItems(file, { from: header.pixelData?.offset ?? 0, where });
  if (walked.kind === "problem") return walked;
  const [table, ...fragments] = walked.value.items;
  if (table === undefined || fragments.length === 0) {
    return fail(damagedPixels(where, { got: "no fragment of pixel data", expected: "at least one (PS3.5 A.4)" }));
  }
  if (frames === 1) return ok([fragments]);
  const starts = extendedOffsets(header) ?? basicOffsets(file, table);
  const byTable = starts && splitAt(fragments, startsOf(fragments, starts));
  if (byTable?.length === frames) return ok(byTable);
  if (fragments.length === frames) return ok(fragments.map((fragment) => [fragment]));
  const byStream = splitAt(fragments, beginnings(file, fragments));
  if (byStream?.length === frames) return ok(byStream);
  const got = `${fragments.length} fragments without an offset table that fits`;
  return fail(damagedPixels(where, { got, expected: `fragments of ${frames} frames (PS3.5 A.4)` }));
}

/** The items of encapsulated pixel data (PS3.5 A.4): the basic offset table, then the fragments. */
interface PixelItems {
  readonly items: readonly Fragment[];
  /** Behind their delimiter; `undefined` where it is missing. */
  readonly end: number | undefined;
}

/** Walks the heads of the items from a place on. Problems: "truncated" (an item beyond the file), "damaged pixel data". */
export function walkItems(
  file: ByteFile,
  { from, where }: { readonly from: number; readonly where: string },
): Result<PixelItems> {
  const page = new Uint8Array(pageBytes);
  const view = new DataView(page.buffer);
  let [first, got] = [0, 0]; // of the file's bytes in the page
  const items: Fragment[] = [];
  for (let at = from; ; ) {
    if (at < first || at + itemHead > first + got) [first, got] = [at, file.read(page, at)];
    if (got < itemHead) break;
    const tag = ((view.getUint16(at - first, true) << 16) | view.getUint16(at - first + 2, true)) >>> 0;
    const length = view.getUint32(at - first + 4, true);
    if (tag !== itemTag) {
      // The delimiter, or the next element where it was forgotten; but the first must be an item.
      if (items.length > 0) return ok({ items, end: tag === delimiterTag ? at + itemHead : undefined });
      const got = `${formatTag(tag)} at byte ${at}`;
      return fail(damagedPixels(where, { got, expected: "an item, (FFFE,E000) (PS3.5 A.4)" }));
    }
    const offset = at + itemHead;
    if (offset + length > file.sizeBytes)
      return fail(cutFragment(where, { offset, length, file, number: items.length }));
    items.push({ offset, length });
    if (items.length > mostFragments) {
      const got = `more than ${mostFragments} fragments`;
      return fail(damagedPixels(where, { got, expected: "fewer" }));
    }
    at = offset + length;
  }
  return ok({ items, end: undefined });
}

function cutFragment(where: string, o: Fragment & { readonly file: ByteFile; readonly number: number }): Problem {
  return {
    kind: "truncated",
    where: `${where}: fragment ${o.number} at byte ${o.offset}`,
    got: `a file of ${o.file.sizeBytes} bytes`,
    expected: `${o.offset + o.length} bytes for this fragment (PS3.5 A.4)`,
    next: "copy the file again from its source",
  };
}

/** Offsets of the frames from the first fragment's head, 64 bits each (PS3.3 C.7.6.3.1.8). */
function extendedOffsets(header: DataSet): readonly number[] | undefined {
  const element = header.elements.get(dictionary.ExtendedOffsetTable[0]);
  if (element === undefined || element.length === 0 || element.length % 8 !== 0) return undefined;
  const view = new DataView(header.bytes.buffer, header.bytes.byteOffset + element.offset, element.length);
  return Array.from({ length: element.length / 8 }, (_, index) => Number(view.getBigUint64(8 * index, true)));
}

/** Offsets of the frames from the first fragment's head, 32 bits each (PS3.5 A.4); `undefined` where the table is empty. */
function basicOffsets(file: ByteFile, table: Fragment): readonly number[] | undefined {
  if (table.length === 0 || table.length % 4 !== 0 || table.length / 4 > mostFragments) return undefined;
  const bytes = new Uint8Array(table.length);
  file.read(bytes, table.offset);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: table.length / 4 }, (_, index) => view.getUint32(4 * index, true));
}

/** Which fragments the offsets name; `undefined` where one names none. */
function startsOf(fragments: readonly Fragment[], offsets: readonly number[]): readonly number[] | undefined {
  const first = (fragments[0]?.offset ?? 0) - itemHead;
  const byOffset = new Map(fragments.map(({ offset }, index) => [offset - itemHead - first, index]));
  const starts = offsets.flatMap((offset) => byOffset.get(offset) ?? []);
  return starts.length === offsets.length ? starts : undefined;
}

/** Fragments with which a stream begins: SOI of the JPEG family, SOC of JPEG 2000. Neither occurs within one. */
function beginnings(file: ByteFile, fragments: readonly Fragment[]): readonly number[] {
  const mark = new Uint8Array(3);
  return fragments.flatMap(({ offset, length }, index) => {
    if (length < 3 || file.read(mark, offset) < 3) return [];
    const isStart = mark[0] === 0xff && (mark[1] === 0xd8 || mark[1] === 0x4f) && mark[2] === 0xff;
    return isStart ? [index] : [];
  });
}

/** Groups of fragments that begin at the places, which must ascend from 0. */
function splitAt<T>(fragments: readonly T[], starts: readonly number[] | undefined): (readonly T[])[] | undefined {
  if (starts?.[0] !== 0) return undefined;
  if (starts.some((start, index) => index > 0 && start <= starts[index - 1]!)) return undefined;
  return starts.map((start, index) => fragments.slice(start, starts[index + 1]));
}

/** The bytes of a frame, its fragments joined, in memory of their own. */
export function joinFragments(file: ByteFile, fragments: readonly Fragment[]): Uint8Array {
  const bytes = new Uint8Array(fragments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { offset, length } of fragments) {
    at += file.read(bytes.subarray(at, at + length), offset);
  }
  return bytes.subarray(0, at);
}
