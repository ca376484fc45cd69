import {
  type ArchiveReader,
  duplicateEntry,
  type LeftOut,
  type Listed,
  leftOut,
  mostEntries,
} from "./archive-entry.ts";
import { entryName } from "./entry-name.ts";
import type { ByteSource } from "./inflate.ts";
import { type NameTable, openNameTable } from "./name-table.ts";
import {
  type ArchiveFault,
  type CentralHeader,
  centralHeaderAt,
  centralHeaders,
  type Directory,
  findDirectory,
} from "./zip-directory.ts";
import { describeZipEntry, openZipEntry } from "./zip-entry.ts";

interface Known {
  readonly directory: Directory;
  readonly table: NameTable;
  /** What is wrong with the directory from some entry on. */
  readonly fault: ArchiveFault | undefined;
}

/** Opens a zip by its central directory, of which only a table of hashes and offsets is kept. */
export function openZip(source: ByteSource, sizeBytes: number): ArchiveReader {
  let known: Known | ArchiveFault | undefined;
  const load = () => {
    known ??= loadDirectory(source, sizeBytes);
    return known;
  };
  return {
    list: () => listZip(source, load()),
    sizeOf: (name) => lookUp(load(), name)?.entry.sizeBytes,
    open(name, where) {
      const found = lookUp(load(), name);
      const header = found && centralHeaderAt(source, found.entry.place, found.directory.shift);
      if (header === undefined) return undefined;
      return { sizeBytes: header.sizeBytes, ...openZipEntry(source, header, where) };
    },
  };
}

function lookUp(known: Known | ArchiveFault, name: string) {
  if ("kind" in known) return undefined;
  const entry = known.table.find(name);
  return entry && { entry, directory: known.directory };
}

function loadDirectory(source: ByteSource, sizeBytes: number): Known | ArchiveFault {
  const directory = findDirectory(source, sizeBytes);
  if ("kind" in directory) return directory;
  if (directory.entries > mostEntries || directory.sizeBytes > mostEntries * 512)
    return {
      kind: "fault",
      reason: "archive too large",
      detail: `${directory.entries} entries; at most ${mostEntries} are read`,
    };
  const table = openNameTable();
  const ranges = openRanges();
  for (const header of centralHeaders(source, directory)) {
    if ("kind" in header) return { directory, table, fault: header };
    if (!ranges.add(header))
      return { kind: "fault", reason: "archive too large", detail: `more than ${mostEntries} entries` };
    if (describeZipEntry(header, directory) === "file") {
      table.add(entryName(header.name), { place: header.at, sizeBytes: header.sizeBytes });
    }
  }
  if (ranges.overlap()) {
    const detail = "its entries share bytes, so that little data would become much";
    return { kind: "fault", reason: "zip bomb", detail };
  }
  return { directory, table, fault: undefined };
}

function* listZip(source: ByteSource, known: Known | ArchiveFault): Generator<Listed, void, void> {
  if ("kind" in known) return yield archiveLeftOut(known);
  for (const header of centralHeaders(source, known.directory)) {
    if ("kind" in header) return yield archiveLeftOut(header);
    const described = describeZipEntry(header, known.directory);
    if (described === undefined) continue;
    const name = entryName(header.name);
    if (described !== "file") yield described;
    else if (known.table.find(name)?.place !== header.at) yield duplicateEntry(name);
    else yield { kind: "file", name, sizeBytes: header.sizeBytes };
  }
}

function archiveLeftOut({ reason, detail }: ArchiveFault): LeftOut {
  return leftOut("", "failed", [reason, detail]);
}

/** Where the data of entries lie: whether any two share a byte. In 16 bytes an entry. */
function openRanges() {
  let starts: Float64Array = new Float64Array(256);
  let ends: Float64Array = new Float64Array(256);
  let count = 0;
  let ordered = true;
  return {
    /** False where there are too many. */
    add({ localAt, compressedBytes, name }: CentralHeader): boolean {
      if (count === mostEntries) return false;
      if (count === starts.length) {
        starts = grown(starts);
        ends = grown(ends);
      }
      const end = localAt + 30 + name.length + compressedBytes; // no local header is shorter
      if (count > 0 && localAt < ends[count - 1]!) ordered = false;
      starts[count] = localAt;
      ends[count++] = end;
      return true;
    },
    overlap(): boolean {
      if (ordered) return false;
      const order = Uint32Array.from({ length: count }, (_, index) => index).sort((a, b) => starts[a]! - starts[b]!);
      return order.some((at, index) => index > 0 && starts[at]! < ends[order[index - 1]!]!);
    },
  };
}

function grown(column: Float64Array): Float64Array {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
