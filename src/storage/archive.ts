import { closeSync, fstatSync, openSync, type Stats } from "node:fs";
import { type ArchiveReader, archiveNames } from "./archive-entry.ts";
import { startsGzip } from "./gzip.ts";
import type { ByteSource } from "./inflate.ts";
import { readFully } from "./read-fully.ts";
import { readsOf } from "./storage-fault.ts";
import { openTar, openTarGz } from "./tar-archive.ts";
import { readTarHeader, tarBlock } from "./tar-header.ts";
import { openZip } from "./zip.ts";

/** An archive that stays open for the next of its entries. */
export interface OpenArchive extends ArchiveReader {
  readonly mtimeMs: number;
  /** Keeps the archive open while an entry is read; called in pairs. */
  hold(): void;
  release(): void;
}

/** Archives a thread keeps open: more than one, since inputs may be many archives of a study each. */
const keptArchives = 4;

interface Kept extends OpenArchive {
  readonly path: string;
  readonly sizeBytes: number;
  readonly inode: number;
  retire(): void;
}

/** The last used ones of this thread, the latest last. */
const kept: Kept[] = [];

/**
 * Opens an archive or gives the one that is open already, unless its size, time or place on the disk has changed since. Throws what the system says of the
 * file. Undefined where it is no archive by its first bytes.
 */
export function useArchive(path: string, stats: Stats): OpenArchive | undefined {
  const at = kept.findIndex((archive) => archive.path === path);
  const known = kept[at];
  if (known !== undefined) {
    kept.splice(at, 1);
    if (known.sizeBytes === stats.size && known.mtimeMs === stats.mtimeMs && known.inode === stats.ino) {
      kept.push(known);
      return known;
    }
    known.retire();
  }
  const opened = openArchiveFile(path);
  if (opened === undefined) return undefined;
  kept.push(opened);
  if (kept.length > keptArchives) kept.shift()?.retire();
  return opened;
}

function openArchiveFile(path: string): Kept | undefined {
  const descriptor = openSync(path, "r");
  const source: ByteSource = { read: (target, offset) => readsOf(path, () => readFully(descriptor, target, offset)) };
  let open: typeof openZip | undefined;
  try {
    open = formatOf(source, path);
  } finally {
    if (open === undefined) closeSync(descriptor);
  }
  if (open === undefined) return undefined;
  const { size, mtimeMs, ino } = fstatSync(descriptor);
  let users = 1; // the list of kept ones
  const release = () => {
    if (--users === 0) closeSync(descriptor);
  };
  const hold = () => {
    users++;
  };
  return { path, sizeBytes: size, mtimeMs, inode: ino, ...open(source, size), hold, release, retire: release };
}

/** By the first bytes. A tar has its first header's checksum; a gzip file holds a tar only if its name says so. */
function formatOf(source: ByteSource, path: string): typeof openZip | undefined {
  const block = new Uint8Array(tarBlock);
  const got = source.read(block, 0);
  const [p, k, three, four] = block;
  const isZip = p === 0x50 && k === 0x4b && ((three === 3 && four === 4) || (three === 5 && four === 6));
  if (isZip) return openZip;
  if (/gz$/i.test(path) && startsGzip(source, 0)) return openTarGz;
  const header = got === tarBlock ? readTarHeader(block) : undefined;
  if (header !== undefined && (header !== "end" || archiveNames.read.test(path))) return openTar;
  return undefined;
}
