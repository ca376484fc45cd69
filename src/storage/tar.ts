import { type LeftOut, leftOut, leftOutByName } from "./archive-entry.ts";
import { decodeName, entryName } from "./entry-name.ts";
import type { ByteSource } from "./inflate.ts";
import { readPaxRecords, readTarHeader, type TarHeader, tarBlock, untilZero } from "./tar-header.ts";

/** A regular file of a tar, and where its data lie. */
export interface TarFile {
  readonly kind: "file";
  readonly name: string;
  readonly place: number;
  readonly sizeBytes: number;
}

/** Bytes of a tar; those of a compressed one are known only as far as they were read. */
export interface TarSource extends ByteSource {
  /** Undefined where it is not known. */
  readonly sizeBytes: number | undefined;
  /** Why the bytes may not be read farther than to an offset, or no farther than they were; undefined where all is well. */
  fault(offset: number): readonly [reason: string, detail: string] | undefined;
}

/** Long names and pax records are of some kilobytes; what claims more is damaged or hostile. */
const longestExtension = 2 ** 20;

/** Types that are data of a file (POSIX ustar, and GNU's and the oldest writers' "contiguous" and none). */
const regular = new Set(["0", "\0", "7"]);
/** Types that stand for nothing on a disk: GNU's volume label, folder lists. */
const silent = new Set(["5", "D", "V"]);
const unread: Readonly<Record<string, readonly [reason: string, detail: string]>> = {
  "1": ["link", "a hard link to another entry of the archive"],
  "2": ["link", "a symbolic link; links in archives are not followed"],
  "3": ["not a file", "a device"],
  "4": ["not a file", "a device"],
  "6": ["not a file", "a pipe"],
  M: ["split file", "the rest of a file that began in another volume"],
  S: ["sparse file", "a sparse file; pack it again without --sparse"],
};

/** What the headers before an entry's own say of it. */
interface Extensions {
  readonly name: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly sparse: boolean;
}

const noExtensions: Extensions = { name: undefined, sizeBytes: undefined, sparse: false };

/**
 * The entries of a tar in its order, header by header: POSIX ustar and pax, GNU and older ones. Each entry is given
 * before what follows it is read. What ends the listing early is its last row.
 */
export function* listTar(source: TarSource): Generator<TarFile | LeftOut, void, void> {
  const block = new Uint8Array(tarBlock);
  let extensions = noExtensions;
  for (let at = 0; ; ) {
    const got = source.read(block, at);
    const fault = source.fault(at);
    if (fault !== undefined) return yield leftOut("", "failed", fault);
    if (got === 0 && at > 0) return; // some writers leave the end's two blocks of zeros away
    if (got < tarBlock) return yield leftOut("", "failed", ["truncated archive", `ends within a header at byte ${at}`]);
    const header = readTarHeader(block);
    if (header === "end") return;
    if (header === undefined) return yield leftOut("", "failed", ["damaged archive", `no tar header at byte ${at}`]);
    const dataAt = at + tarBlock;
    const extended = readExtension(source, { header, dataAt, extensions });
    if (extended === "damaged")
      return yield leftOut("", "failed", ["damaged archive", `an extended header at byte ${at} makes no sense`]);
    const sizeBytes = dataBytes(header, extended === undefined ? extensions : noExtensions);
    if (extended === undefined) {
      const entry = describe({ ...header, name: extensions.name ?? header.name, sizeBytes }, dataAt, extensions);
      if (entry !== undefined) yield cutOff(entry, source);
      extensions = noExtensions;
    } else extensions = extended;
    at = dataAt + Math.ceil(sizeBytes / tarBlock) * tarBlock;
  }
}

/** Of the data behind a header. A hard link's header may repeat its target's size; no data follow it, as in GNU tar. */
function dataBytes({ type, sizeBytes }: TarHeader, extensions: Extensions): number {
  return type === "1" ? 0 : (extensions.sizeBytes ?? sizeBytes);
}

function readExtension(
  source: TarSource,
  {
    header,
    dataAt,
    extensions,
  }: { readonly header: TarHeader; readonly dataAt: number; readonly extensions: Extensions },
): Extensions | "damaged" | undefined {
  const { type, sizeBytes } = header;
  if (!"gxXLK".includes(type)) return undefined;
  if (sizeBytes > longestExtension) return "damaged";
  const bytes = new Uint8Array(sizeBytes);
  if (source.read(bytes, dataAt) < sizeBytes) return "damaged";
  if (type === "L") return { ...extensions, name: decodeName(untilZero(bytes)) };
  if (type === "K" || type === "g") return extensions; // of links; of all files, where names and sizes cannot stand
  const records = readPaxRecords(bytes);
  if (records === undefined) return "damaged";
  const size = records.get("size");
  if (size !== undefined && !/^\d{1,15}$/.test(size)) return "damaged";
  return {
    name: records.get("path") ?? extensions.name,
    sizeBytes: size === undefined ? extensions.sizeBytes : Number(size),
    sparse: extensions.sparse || [...records.keys()].some((key) => key.startsWith("GNU.sparse")),
  };
}

function describe(
  { name: written, type, sizeBytes }: TarHeader,
  place: number,
  { sparse }: Extensions,
): TarFile | LeftOut | undefined {
  // before ustar a folder was a file whose name ends in a slash
  if (silent.has(type) || (regular.has(type) && written.endsWith("/"))) return undefined;
  const name = entryName(written);
  const why = sparse ? unread["S"] : unread[type];
  if (why !== undefined) return leftOut(name, "set aside", why);
  if (!regular.has(type))
    return leftOut(name, "set aside", ["not a file", `an entry of the unknown type ${entryName(type)}`]);
  return leftOutByName(name) ?? { kind: "file", name, place, sizeBytes };
}

/** A file that the archive ends within cannot be read. */
function cutOff(entry: TarFile | LeftOut, { sizeBytes }: TarSource): TarFile | LeftOut {
  if (entry.kind === "left out" || sizeBytes === undefined || entry.place + entry.sizeBytes <= sizeBytes) return entry;
  const there = Math.max(0, sizeBytes - entry.place);
  return leftOut(entry.name, "failed", [
    "truncated",
    `${there} of ${entry.sizeBytes} bytes; the archive ends within it`,
  ]);
}
