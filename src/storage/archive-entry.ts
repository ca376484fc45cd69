import { entrySeparator } from "./entry-name.ts";
import type { ByteSource } from "./inflate.ts";

/** What a listing says of an archive, entry by entry, in its order. Folders are not listed. */
export type Listed = { readonly kind: "file"; readonly name: string; readonly sizeBytes: number } | LeftOut;

/** An entry that is not read, or with an empty name the archive itself (or the rest of it), as a line of the ledger. */
export interface LeftOut {
  readonly kind: "left out";
  readonly name: string;
  readonly status: "set aside" | "failed";
  readonly reason: string;
  readonly detail: string;
}

/** An archive that is open: its entries in their order, and the data of each. */
export interface ArchiveReader {
  list(): Iterable<Listed>;
  /** Undefined where there is no such file. What cannot be read throws a StorageFault, here or when it is read. */
  open(name: string, where: string): (ByteSource & { readonly sizeBytes: number }) | undefined;
  /** The size of a file of the archive, without reading it. */
  sizeOf(name: string): number | undefined;
}

/** No archive is read that has more entries: their table takes some 170 MB. */
export const mostEntries = 2 ** 22;

/** More than this, inflated, is taken for a bomb where it is also more than `mostRatio` times what was compressed. */
export const suspiciousBytes = 2 ** 28;
/** Headers and blank slices reach 1,000; a CT of some size stays below 20. */
export const mostRatio = 200;

/** File names of archives that are read, and of those that are not. */
export const archiveNames = {
  read: /\.(zip|tar|tar\.gz|tgz)$/i,
  others: /\.(7z|rar|tar\.(bz2|xz|zst|lz4?)|tbz2?|txz)$/i,
} as const;

/** A line of the ledger for an entry. */
export function leftOut(
  name: string,
  status: LeftOut["status"],
  why: readonly [reason: string, detail: string],
): LeftOut {
  return { kind: "left out", name, status, reason: why[0], detail: why[1] };
}

/** Why an entry is left out for its name alone; undefined where it is not. */
export function leftOutByName(name: string): LeftOut | undefined {
  if (name === "") return leftOut("", "failed", ["nameless entry", "an entry without a name"]);
  if (archiveNames.read.test(name) || archiveNames.others.test(name))
    return leftOut(name, "set aside", ["nested archive", "an archive within an archive is not opened"]);
  return undefined;
}

/** The second entry of one name: the first is read. */
export function duplicateEntry(name: string): LeftOut {
  return leftOut(name, "set aside", ["duplicate name", "an earlier entry of the archive has the same name"]);
}

/** Path of an entry. */
export function entryPath(archive: string, name: string): string {
  return name === "" ? archive : `${archive}${entrySeparator}${name}`;
}
