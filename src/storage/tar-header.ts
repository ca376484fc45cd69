import { decodeName } from "./entry-name.ts";

/** Headers and data come in blocks of this size (POSIX 1003.1 pax, ustar interchange format). */
export const tarBlock = 512;

/** One header as it stands; the size is that of the data behind it. */
export interface TarHeader {
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
}

/** Reads a header block: "end" where it is all zeros, undefined where its checksum or size is none. */
export function readTarHeader(block: Uint8Array): TarHeader | "end" | undefined {
  if (block.every((byte) => byte === 0)) return "end";
  const sizeBytes = readNumber(block.subarray(124, 136));
  const checksum = readNumber(block.subarray(148, 156));
  if (sizeBytes === undefined || checksum === undefined || !hasChecksum(block, checksum)) return undefined;
  const isUstar = latin1(block.subarray(257, 262)) === "ustar";
  const gnu = isUstar && block[262] === 0x20; // GNU's header has other fields where ustar has the prefix
  const prefix = isUstar && !gnu ? untilZero(block.subarray(345, 500)) : new Uint8Array(0);
  const name = decodeName(untilZero(block.subarray(0, 100)));
  return {
    name: prefix.length === 0 ? name : `${decodeName(prefix)}/${name}`,
    type: String.fromCharCode(block[156]!),
    sizeBytes,
  };
}

/** Whether the sum of all bytes, those of the checksum itself as spaces, is what the header says; old writers summed signed bytes. */
function hasChecksum(block: Uint8Array, checksum: number): boolean {
  let unsigned = 0;
  let signed = 0;
  for (const [at, value] of block.entries()) {
    const byte = at >= 148 && at < 156 ? 0x20 : value;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return checksum === unsigned || checksum === signed;
}

/** Octal digits, or GNU's binary form with the top bit set, which goes beyond 8 GB. */
function readNumber(field: Uint8Array): number | undefined {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = latin1(untilZero(field)).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || "0", 8) : undefined;
}

/** The records of a pax extended header ("12 path=a/b\n"); undefined where they are malformed. */
export function readPaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(latin1(bytes.subarray(at, space)));
    const record = bytes.subarray(space + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    if (space === -1 || !Number.isInteger(length) || at + length > bytes.length || space >= at + length || equals < 1)
      return undefined;
    records.set(latin1(record.subarray(0, equals)), decodeName(record.subarray(equals + 1)));
    at += length;
  }
  return records;
}

/** Bytes up to the first zero. */
export function untilZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
