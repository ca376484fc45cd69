import {
  type ArchiveReader,
  duplicateEntry,
  type LeftOut,
  type Listed,
  leftOut,
  mostEntries,
  mostRatio,
  suspiciousBytes,
} from "./archive-entry.ts";
import type { ByteSource } from "./inflate.ts";
import { openInflated } from "./inflated.ts";
import { openNameTable } from "./name-table.ts";
import { listTar, type TarFile, type TarSource } from "./tar.ts";
import { rangeOf } from "./zip-entry.ts";

/** Opens a tar. Its entries are found by one pass over the headers, which goes only as far as what is asked for. */
export function openTar(source: ByteSource, sizeBytes: number): ArchiveReader {
  return openTarSource({ read: source.read, sizeBytes, fault: () => undefined });
}

/** Opens a tar that is compressed by gzip: the same through a stream that has no table of its own, see openInflated. */
export function openTarGz(source: ByteSource, sizeBytes: number): ArchiveReader {
  const inflated = openInflated(source, { kind: "gzip" });
  return openTarSource({
    read: inflated.read,
    sizeBytes: undefined,
    fault(offset) {
      const status = inflated.status();
      if (status === "damaged") return ["damaged archive", `its compressed data make no sense near byte ${offset}`];
      if (status === "truncated") return ["truncated archive", `ends near byte ${offset} of what was packed`];
      if (offset > suspiciousBytes && offset > mostRatio * sizeBytes)
        return ["zip bomb", `${sizeBytes} bytes that become more than ${offset}`];
      return undefined;
    },
  });
}

function openTarSource(source: TarSource): ArchiveReader {
  let pass = openPass(source);
  const find = (name: string) => {
    try {
      for (let entry = pass.table.find(name); ; entry = pass.table.find(name)) {
        if (entry !== undefined || pass.step() === undefined) return entry;
      }
    } catch (error) {
      pass = openPass(source); // a pass that was broken off gives nothing more, and the fault may pass
      throw error;
    }
  };
  return {
    *list() {
      const fresh = openPass(source); // of its own, so that looking up names meanwhile takes none of its entries
      for (let listed = fresh.step(); listed !== undefined; listed = fresh.step()) yield listed;
      pass = fresh;
    },
    sizeOf: (name) => find(name)?.sizeBytes,
    open(name) {
      const entry = find(name);
      return entry && { sizeBytes: entry.sizeBytes, ...rangeOf(source, entry.place, entry.sizeBytes) };
    },
  };
}

/** One pass over the entries, which fills a table as it goes. */
function openPass(source: TarSource) {
  const table = openNameTable();
  const entries = listTar(source);
  return {
    table,
    /** The next entry; undefined at the end. */
    step(): Listed | undefined {
      const next = entries.next();
      if (next.done === true) return undefined;
      const entry: TarFile | LeftOut = next.value;
      if (entry.kind === "left out") return entry;
      if (table.count === mostEntries) {
        entries.return();
        return leftOut("", "failed", ["archive too large", `only the first ${mostEntries} entries are read`]);
      }
      return table.add(entry.name, entry) === "added" ? entry : duplicateEntry(entry.name);
    },
  };
}
