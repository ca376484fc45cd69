import { crc32, deflateRawSync } from "node:zlib";

// Archives for tests, written by hand so that they can be wrong in every way.

/** An entry of a zip; what is named beside name and data overrides what would be right. */
export interface ZipEntry {
  readonly name: string | Uint8Array;
  readonly data: Uint8Array;
  readonly method?: "stored" | "deflated" | number;
  readonly flags?: number;
  readonly sizeBytes?: number;
  readonly crc?: number;
  readonly unixMode?: number;
  /** Where the directory says that the entry lies. */
  readonly localAt?: number;
}

/** A zip of some entries (APPNOTE 4.3), in their order; `zip64` writes sizes and offsets in 64 bits. */
export function zipOf(entries: readonly ZipEntry[], { zip64 = false, before = new Uint8Array(0) } = {}): Buffer {
  const parts: Uint8Array[] = [before];
  const central: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const method = { stored: 0, deflated: 8 }[entry.method as "stored"] ?? Number(entry.method ?? 0);
    const data = method === 8 ? deflateRawSync(entry.data) : entry.data;
    const name = Buffer.from(entry.name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(name.length, 26);
    parts.push(local, name, data);
    central.push(centralHeader({ ...entry, method, name }, { compressed: data.length, at, zip64 }), name);
    if (zip64) central.push(wide([entry.sizeBytes ?? entry.data.length, data.length, entry.localAt ?? at]));
    at += 30 + name.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries.length, 0xffff), 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : at, 16);
  return Buffer.concat([...parts, directory, ...(zip64 ? [end64(entries.length, directory.length, at)] : []), end]);
}

interface Written {
  readonly compressed: number;
  readonly at: number;
  readonly zip64: boolean;
}

function centralHeader(entry: ZipEntry & { readonly method: number }, { compressed, at, zip64 }: Written): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt8(entry.unixMode === undefined ? 0 : 3, 5);
  header.writeUInt16LE(entry.flags ?? 0, 8);
  header.writeUInt16LE(entry.method, 10);
  header.writeUInt32LE(entry.crc ?? crc32(entry.data), 16);
  header.writeUInt32LE(zip64 ? 0xffffffff : compressed, 20);
  header.writeUInt32LE(zip64 ? 0xffffffff : (entry.sizeBytes ?? entry.data.length), 24);
  header.writeUInt16LE(entry.name.length, 28);
  header.writeUInt16LE(zip64 ? 28 : 0, 30);
  header.writeUInt16LE(entry.unixMode ?? 0, 40);
  header.writeUInt32LE(zip64 ? 0xffffffff : (entry.localAt ?? at), 42);
  return header;
}

function wide(numbers: readonly number[]): Buffer {
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  for (const [index, value] of numbers.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  return extra;
}

function end64(entries: number, sizeBytes: number, at: number): Buffer {
  const bytes = Buffer.alloc(56 + 20);
  bytes.writeUInt32LE(0x06064b50, 0);
  for (const [place, value] of [
    [4, 44],
    [24, entries],
    [32, entries],
    [40, sizeBytes],
    [48, at],
  ] as const)
    bytes.writeBigUInt64LE(BigInt(value), place);
  bytes.writeUInt32LE(0x07064b50, 56);
  bytes.writeBigUInt64LE(BigInt(at + sizeBytes), 64);
  bytes.writeUInt32LE(1, 72);
  return bytes;
}

/** An entry of a tar; type "0" is a file. */
export interface TarEntry {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly type?: string;
}

/** A tar of some entries in their order (POSIX ustar), with the two blocks of zeros at its end. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(tarEntry), Buffer.alloc(1024)]);
}

function tarEntry({ name, data = new Uint8Array(0), type = "0" }: TarEntry): readonly Uint8Array[] {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
}

/** The data of a pax extended header: its records, each with its own length before it. */
export function paxRecords(records: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest) + 1;
    while (String(length).length + Buffer.byteLength(rest) !== length) length++;
    return `${length}${rest}`;
  });
  return Buffer.from(lines.join(""));
}
