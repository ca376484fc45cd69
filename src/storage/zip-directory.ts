import { decodeName } from "./entry-name.ts";
import type { ByteSource } from "./inflate.ts";

/** Where the central directory of a zip lies. */
export interface Directory {
  readonly at: number;
  readonly sizeBytes: number;
  readonly entries: number;
  /** Bytes before the archive's own first one, as in an archive that unpacks itself: offsets in it count from there. */
  readonly shift: number;
}

/** One header of the central directory (APPNOTE 4.3.12), its 64-bit sizes put in place (4.5.3). */
export interface CentralHeader {
  /** Of this header itself. */
  readonly at: number;
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Of the local header, from the start of the file. */
  readonly localAt: number;
  /** Type and permissions of a Unix file; 0 where the archive was made elsewhere. */
  readonly unixMode: number;
}

/** What is wrong with an archive as a whole. */
export interface ArchiveFault {
  readonly kind: "fault";
  readonly reason: string;
  readonly detail: string;
}

const endBytes = 22;
const longestComment = 0xffff;
const end64LocatorBytes = 20;
const centralBytes = 46;
const signatures = { central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, end64Locator: 0x07064b50 } as const;
const unknown32 = 0xffffffff;

/** Finds the central directory by the record at the end of the file (APPNOTE 4.3.16, 4.3.14). */
export function findDirectory(source: ByteSource, sizeBytes: number): Directory | ArchiveFault {
  const tail = new Uint8Array(Math.min(sizeBytes, endBytes + longestComment));
  const tailAt = sizeBytes - tail.length;
  const view = new DataView(tail.buffer, 0, source.read(tail, tailAt));
  let at = view.byteLength - endBytes;
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === signatures.end && at + endBytes + view.getUint16(at + 20, true) <= view.byteLength)
  )
    at--;
  if (at < 0) return fault("truncated archive", "no directory at its end, where a zip has it");
  const end = {
    disk: view.getUint16(at + 4, true),
    entries: view.getUint16(at + 10, true),
    sizeBytes: view.getUint32(at + 12, true),
    at: view.getUint32(at + 16, true),
  };
  const endAt = tailAt + at;
  const end64 = readEnd64(source, endAt);
  const { disk, entries, ...directory } = end64 ?? end;
  if (disk !== 0 && disk !== 0xffff) return fault("split archive", "a part of an archive in several files");
  const shift = (end64?.recordAt ?? endAt) - directory.sizeBytes - directory.at;
  if (!Number.isSafeInteger(shift) || shift < 0)
    return fault("damaged archive", "its directory does not lie where its end says");
  return { at: directory.at + shift, sizeBytes: directory.sizeBytes, entries, shift };
}

/** The end record of large archives, which a locator before the ordinary one points to. */
function readEnd64(source: ByteSource, endAt: number) {
  const locator = new DataView(new ArrayBuffer(end64LocatorBytes));
  if (endAt < end64LocatorBytes || readInto(source, locator, endAt - end64LocatorBytes) < end64LocatorBytes)
    return undefined;
  if (locator.getUint32(0, true) !== signatures.end64Locator) return undefined;
  const record = new DataView(new ArrayBuffer(56));
  // where something stands before the archive the record is not where the locator says, but right before the locator
  for (const recordAt of [Number(locator.getBigUint64(8, true)), endAt - end64LocatorBytes - 56]) {
    if (recordAt < 0 || readInto(source, record, recordAt) < 56 || record.getUint32(0, true) !== signatures.end64)
      continue;
    return {
      recordAt,
      disk: record.getUint32(16, true),
      entries: Number(record.getBigUint64(32, true)),
      sizeBytes: Number(record.getBigUint64(40, true)),
      at: Number(record.getBigUint64(48, true)),
    };
  }
  return undefined;
}

const chunkBytes = 2 ** 18; // above the longest header, 46 + 3 · 65,535 bytes

/** Walks the central directory; a last row says why where it ends early. */
export function* centralHeaders(
  source: ByteSource,
  directory: Directory,
): Generator<CentralHeader | ArchiveFault, void, void> {
  const chunk = new Uint8Array(chunkBytes);
  let chunkAt = directory.at;
  let got = 0;
  const endAt = directory.at + directory.sizeBytes;
  for (let at = directory.at, index = 0; at < endAt; index++) {
    if (at + chunkBytes > chunkAt + got && chunkAt + got < endAt && (got === 0 || at - chunkAt > chunkBytes / 4)) {
      chunkAt = at;
      got = source.read(chunk.subarray(0, Math.min(chunkBytes, endAt - at)), at);
    }
    const header = parseCentral(chunk.subarray(at - chunkAt, got), at, directory.shift);
    if (header === undefined)
      return yield fault("damaged archive", `entry ${index + 1} of its directory makes no sense`);
    yield header.header;
    at = header.end;
  }
}

/** Reads one header of the central directory again. */
export function centralHeaderAt(source: ByteSource, at: number, shift: number): CentralHeader | undefined {
  const bytes = new Uint8Array(512); // most names are short
  const first = parseCentral(bytes.subarray(0, source.read(bytes, at)), at, shift);
  if (first !== undefined) return first.header;
  const more = new Uint8Array(chunkBytes);
  return parseCentral(more.subarray(0, source.read(more, at)), at, shift)?.header;
}

function parseCentral(
  bytes: Uint8Array,
  at: number,
  shift: number,
): { readonly header: CentralHeader; readonly end: number } | undefined {
  if (bytes.length < centralBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameEnd = centralBytes + view.getUint16(28, true);
  const extraEnd = nameEnd + view.getUint16(30, true);
  const end = extraEnd + view.getUint16(32, true);
  if (view.getUint32(0, true) !== signatures.central || end > bytes.length) return undefined;
  const sizes = wideSizes(view, {
    ...{ sizeBytes: view.getUint32(24, true), compressedBytes: view.getUint32(20, true) },
    ...{ localAt: view.getUint32(42, true), extraAt: nameEnd, extraEnd },
  });
  if (sizes === undefined) return undefined;
  const header = {
    at,
    name: decodeName(bytes.subarray(centralBytes, nameEnd)),
    flags: view.getUint16(8, true),
    method: view.getUint16(10, true),
    crc: view.getUint32(16, true),
    ...sizes,
    localAt: sizes.localAt + shift,
    unixMode: view.getUint8(5) === 3 ? view.getUint16(40, true) : 0,
  };
  return { header, end: at + end };
}

interface Sizes {
  readonly sizeBytes: number;
  readonly compressedBytes: number;
  readonly localAt: number;
}

/** The extra field 1 holds in 64 bits, in this order, what the header has all ones for (APPNOTE 4.5.3). */
function wideSizes(
  view: DataView,
  { extraAt, extraEnd, ...sizes }: Sizes & { readonly extraAt: number; readonly extraEnd: number },
): Sizes | undefined {
  const missing = (["sizeBytes", "compressedBytes", "localAt"] as const).filter((name) => sizes[name] === unknown32);
  if (missing.length === 0) return sizes;
  for (let at = extraAt; at + 4 <= extraEnd; at += 4 + view.getUint16(at + 2, true)) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) !== 1 || at + 4 + length > extraEnd) continue;
    if (length < 8 * missing.length) return undefined;
    const wide = missing.map((name, index) => [name, Number(view.getBigUint64(at + 4 + 8 * index, true))] as const);
    if (!wide.every(([, value]) => Number.isSafeInteger(value))) return undefined;
    return { ...sizes, ...Object.fromEntries(wide) };
  }
  return sizes; // a file of just that size
}

function readInto(source: ByteSource, view: DataView, at: number): number {
  return source.read(new Uint8Array(view.buffer), at);
}

function fault(reason: string, detail: string): ArchiveFault {
  return { kind: "fault", reason, detail };
}
