import type { ByteSource } from "./inflate.ts";

const flags = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/** A name or comment in a gzip header longer than this is none. */
const longestText = 4096;

/** Whether a gzip member begins at a place (RFC 1952 2.3.1; 8 is DEFLATE, the only method there is). */
export function startsGzip(source: ByteSource, at: number): boolean {
  const head = new Uint8Array(3);
  return source.read(head, at) === 3 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

/** Where the compressed data of the gzip member at a place begin; undefined where there is no such header. */
export function gzipDataAt(source: ByteSource, at: number): number | undefined {
  const head = new Uint8Array(12);
  const got = source.read(head, at);
  if (got < 10 || !startsGzip(source, at)) return undefined;
  const set = head[3]!;
  if ((set & flags.reserved) !== 0) return undefined;
  let dataAt: number | undefined = at + 10;
  if ((set & flags.extra) !== 0) dataAt += 2 + (head[10]! | (head[11]! << 8));
  if ((set & flags.name) !== 0) dataAt = behindZero(source, dataAt);
  if (dataAt !== undefined && (set & flags.comment) !== 0) dataAt = behindZero(source, dataAt);
  return dataAt === undefined || (set & flags.headerCrc) === 0 ? dataAt : dataAt + 2;
}

function behindZero(source: ByteSource, at: number): number | undefined {
  const text = new Uint8Array(longestText);
  const end = text.subarray(0, source.read(text, at)).indexOf(0);
  return end === -1 ? undefined : at + end + 1;
}

/** CRC-32 and length modulo 2³² of a member, which stand behind its data; undefined where the file ends before. */
export function gzipTrailer(
  source: ByteSource,
  at: number,
): { readonly crc: number; readonly sizeBytes: number } | undefined {
  const trailer = new Uint8Array(8);
  if (source.read(trailer, at) < 8) return undefined;
  const view = new DataView(trailer.buffer);
  return { crc: view.getUint32(0, true), sizeBytes: view.getUint32(4, true) };
}
