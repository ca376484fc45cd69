import { crc32, inflateRawSync, constants as zlib } from "node:zlib";
import { type LeftOut, leftOut, leftOutByName, mostRatio, suspiciousBytes } from "./archive-entry.ts";
import { entryName } from "./entry-name.ts";
import type { ByteSource } from "./inflate.ts";
import { openInflated } from "./inflated.ts";
import { type StorageFault, storageFault } from "./storage-fault.ts";
import type { CentralHeader, Directory } from "./zip-directory.ts";

const methods: Readonly<Record<number, string>> = {
  9: "Deflate64",
  12: "bzip2",
  14: "LZMA",
  93: "Zstandard",
  95: "XZ",
  98: "PPMd",
};
const stored = 0;
const deflated = 8;
const encryptedFlags = 0x2041; // APPNOTE 4.4.4: bits 0, 6 and 13
const encryptedMethod = 99; // WinZip's AES
const localBytes = 30;
const localSignature = 0x04034b50;
const unixType = { mask: 0o170000, regular: 0o100000, folder: 0o040000, link: 0o120000 } as const;

/** Deflated entries up to this size are inflated whole, by zlib and with their checksum tested; larger ones piece by piece. */
const wholeBytes = 2 ** 26;
/** Enough compressed bytes for any first page of an entry, since even what does not compress grows by 5 bytes in 64 KB. */
const prefixBytes = 8192;

/** What an entry of the directory is: a file, nothing (a folder), or left out. */
export function describeZipEntry(header: CentralHeader, directory: Directory): LeftOut | "file" | undefined {
  const { compressedBytes, sizeBytes, method, flags } = header;
  const type = header.unixMode & unixType.mask;
  if (/[/\\]$/.test(header.name) || type === unixType.folder) return undefined;
  const name = entryName(header.name);
  const setAside = (...why: [reason: string, detail: string]) => leftOut(name, "set aside", why);
  if (type === unixType.link) return setAside("link", "a symbolic link; links in archives are not followed");
  if (type !== 0 && type !== unixType.regular) return setAside("not a file", "a device, pipe or socket");
  const byName = leftOutByName(name);
  if (byName !== undefined) return byName;
  if ((flags & encryptedFlags) !== 0 || method === encryptedMethod)
    return setAside("encrypted", "an encrypted entry; unpack it with its password");
  if (method !== stored && method !== deflated)
    return setAside("compression", `compressed by ${methods[method] ?? `method ${method}`}, not by Deflate`);
  const failed = (...why: [reason: string, detail: string]) => leftOut(name, "failed", why);
  if (header.localAt < 0 || header.localAt + localBytes + compressedBytes > directory.at)
    return failed("damaged entry", "lies outside of the archive");
  if (method === stored && compressedBytes !== sizeBytes)
    return failed("damaged entry", `${compressedBytes} bytes stored of ${sizeBytes}`);
  if (sizeBytes > suspiciousBytes && sizeBytes > mostRatio * compressedBytes)
    return failed("zip bomb", `${compressedBytes} bytes that become ${sizeBytes}`);
  return "file";
}

/** The data of an entry, to be read at any place: a stored one as it lies, a deflated one inflated as far as is needed. */
export function openZipEntry(source: ByteSource, header: CentralHeader, where: string): ByteSource {
  const local = new Uint8Array(localBytes);
  const view = new DataView(local.buffer);
  if (source.read(local, header.localAt) < localBytes || view.getUint32(0, true) !== localSignature)
    throw storageFault("damaged entry", { where, got: "no local header where the directory says", expected: "one" });
  const dataAt = header.localAt + localBytes + view.getUint16(26, true) + view.getUint16(28, true);
  const data = rangeOf(source, dataAt, header.compressedBytes);
  if (header.method === stored) return data;
  return header.sizeBytes > wholeBytes ? inflatedByPieces(data, header, where) : inflatedWhole(data, header, where);
}

/** A range of a source as a source of its own. */
export function rangeOf(source: ByteSource, from: number, sizeBytes: number): ByteSource {
  return {
    read(target, offset) {
      const room = Math.max(0, Math.min(target.length, sizeBytes - offset));
      return room === 0 ? 0 : source.read(target.subarray(0, room), from + offset);
    },
  };
}

function inflatedByPieces(data: ByteSource, { sizeBytes }: CentralHeader, where: string): ByteSource {
  const inflated = openInflated(data, { kind: "raw", at: 0 });
  return {
    read(target, offset) {
      const wanted = Math.max(0, Math.min(target.length, sizeBytes - offset));
      const got = inflated.read(target.subarray(0, wanted), offset);
      if (got < wanted) throw damaged(where, `a stream that is ${inflated.status()} at byte ${offset + got}`);
      return got;
    },
  };
}

function inflatedWhole(data: ByteSource, header: CentralHeader, where: string): ByteSource {
  let prefix: Uint8Array | undefined;
  let whole: Uint8Array | undefined;
  return {
    read(target, offset) {
      const end = Math.min(header.sizeBytes, offset + target.length);
      if (end <= offset) return 0;
      if (whole === undefined && end <= prefixBytes && header.sizeBytes > prefixBytes)
        prefix ??= inflatePrefix(data, header);
      if (whole === undefined && (prefix === undefined || prefix.length < end))
        whole = inflateWhole(data, header, where);
      target.set((whole ?? prefix ?? new Uint8Array(0)).subarray(offset, end));
      return end - offset;
    },
  };
}

/** The first bytes of an entry, as far as zlib comes with the first compressed ones; none where these are damaged. */
function inflatePrefix(data: ByteSource, { compressedBytes }: CentralHeader): Uint8Array {
  const compressed = new Uint8Array(Math.min(prefixBytes, compressedBytes));
  const got = data.read(compressed, 0);
  try {
    return inflateRawSync(compressed.subarray(0, got), { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}

function inflateWhole(data: ByteSource, { compressedBytes, sizeBytes, crc }: CentralHeader, where: string): Uint8Array {
  // no stream of Deflate is longer than what it encodes by more than 5 bytes in 16 KB; the rest would only fill memory
  const compressed = new Uint8Array(Math.min(compressedBytes, sizeBytes + Math.ceil(sizeBytes / 1024) + 1024));
  const got = data.read(compressed, 0);
  let inflated: Uint8Array;
  try {
    inflated = inflateRawSync(compressed.subarray(0, got), { maxOutputLength: Math.max(1, sizeBytes) });
  } catch (error) {
    throw damaged(where, error instanceof Error && "code" in error ? String(error.code) : String(error));
  }
  if (inflated.length !== sizeBytes) throw damaged(where, `${inflated.length} bytes of ${sizeBytes}`);
  if (crc32(inflated) !== crc) throw damaged(where, "another checksum than the archive has of it");
  return inflated;
}

function damaged(where: string, got: string): StorageFault {
  return storageFault("damaged entry", { where, got, expected: "compressed data as they were packed" });
}
