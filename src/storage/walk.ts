import { readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import type { LedgerEntry } from "../base/index.ts";
import { type OpenArchive, useArchive } from "./archive.ts";
import { archiveNames, entryPath } from "./archive-entry.ts";
import { problemOf } from "./storage-fault.ts";

/** A regular file that was found, on the disk or in an archive. */
export interface FoundFile {
  readonly kind: "file";
  /** Absolute; of an archive's entry `ARCHIVE!/ENTRY`. */
  readonly path: string;
  /** As the user would type it: the input as given, and the way down from it. */
  readonly shown: string;
  readonly sizeBytes: number;
  /** Time of the last change, milliseconds since 1970; of an archive's entry that of the archive. */
  readonly mtimeMs: number;
}

/** Something under the inputs that is no file that can be opened: a line of the ledger as it stands. */
export interface NotAFile {
  readonly kind: "not a file";
  readonly entry: LedgerEntry;
}

interface Pending {
  readonly path: string;
  readonly shown: string;
}

/**
 * Every file under the inputs (folders at any depth, single files, or a mix), in the order of the inputs and then of
 * names by code unit, so that the same tree gives the same order everywhere. Symbolic links are followed; a folder that
 * is reached twice (a loop, an input inside another) is walked once. Archives (zip, tar, tar.gz; by name and first bytes,
 * those given as inputs by first bytes alone) are gone through like folders, in the order of their entries. What cannot
 * be opened (a folder without permission, a broken link, a socket, an encrypted entry) is yielded as an entry of the
 * ledger. Ends early when the signal is aborted.
 */
export async function* walkFiles(
  inputs: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<FoundFile | NotAFile, void, void> {
  const walkedFolders = new Set<string>();
  const givenFiles = new Set<string>();
  const roots = inputs.map((input) => resolve(input));
  const stack: Pending[] = inputs.map((shown, index) => ({ path: roots[index] ?? shown, shown })).reverse();
  const isInput = new Set(stack);
  for (let steps = 1; ; steps++) {
    const next = stack.pop();
    if (next === undefined || signal?.aborted) return;
    if (steps % 512 === 0) await breathe(); // let an interrupt and the bars through
    const stats = attempt(next, () => statSync(next.path));
    if ("entry" in stats) yield { kind: "not a file", entry: stats.entry };
    else if (stats.value.isDirectory()) {
      const names = attempt(next, () => folderNames(next.path, walkedFolders));
      if ("entry" in names) yield { kind: "not a file", entry: names.entry };
      else
        for (const name of names.value) stack.push({ path: join(next.path, name), shown: joinShown(next.shown, name) });
    } else if (!isInput.has(next) || !isGivenTwice(next.path, { roots, givenFiles })) {
      yield* walkFile(next, stats.value, { isInput: isInput.has(next), signal });
    }
  }
}

interface FileWalk {
  readonly isInput: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A file, or the entries of an archive. To look into every file for an archive without the name would double the reading. */
async function* walkFile(
  file: Pending,
  stats: Stats,
  { isInput, signal }: FileWalk,
): AsyncGenerator<FoundFile | NotAFile, void, void> {
  const mayBeArchive = stats.isFile() && (isInput || archiveNames.read.test(file.path));
  const archive = mayBeArchive ? attempt(file, () => useArchive(file.path, stats)) : { value: undefined };
  if ("entry" in archive) yield { kind: "not a file", entry: archive.entry };
  else if (archive.value !== undefined) yield* walkArchive(file, archive.value, signal);
  else if (archiveNames.others.test(file.path)) {
    const detail = "an archive of a kind that is not read; unpack it, or pack it as zip or tar";
    yield { kind: "not a file", entry: { path: file.shown, status: "set aside", kind: "archive", detail } };
  } else yield describeFile(file, stats);
}

async function* walkArchive(
  { path, shown }: Pending,
  archive: OpenArchive,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundFile | NotAFile, void, void> {
  const { mtimeMs } = archive;
  const listed = archive.list()[Symbol.iterator]();
  archive.hold();
  try {
    for (let steps = 1; ; steps++) {
      const next = attempt({ path, shown }, () => listed.next());
      if ("entry" in next) return yield { kind: "not a file", entry: next.entry };
      if (next.value.done === true || signal?.aborted) return;
      if (steps % 512 === 0) await breathe();
      const entry = next.value.value;
      const named = { path: entryPath(path, entry.name), shown: entryPath(shown, entry.name) };
      if (entry.kind === "file") yield { kind: "file", ...named, sizeBytes: entry.sizeBytes, mtimeMs };
      else {
        const { status, reason: kind, detail } = entry;
        yield { kind: "not a file", entry: { path: named.shown, status, kind, detail } };
      }
    }
  } finally {
    archive.release();
  }
}

function describeFile({ path, shown }: Pending, stats: Stats): FoundFile | NotAFile {
  if (stats.isFile()) return { kind: "file", path, shown, sizeBytes: stats.size, mtimeMs: stats.mtimeMs };
  const detail = "a socket, pipe or device, which is not opened";
  return { kind: "not a file", entry: { path: shown, status: "set aside", kind: "not a file", detail } };
}

/** Names in a folder, last first (for a stack); none where the folder has been walked under another name. */
function folderNames(path: string, walked: Set<string>): string[] {
  const real = realpathSync(path);
  if (walked.has(real)) return [];
  walked.add(real);
  return readdirSync(path).sort(byCodeUnit).reverse();
}

/** Whether a file given as an input lies in a folder that is an input too, or is given for the second time. */
function isGivenTwice(
  path: string,
  { roots, givenFiles }: { readonly roots: readonly string[]; readonly givenFiles: Set<string> },
): boolean {
  if (givenFiles.has(path) || roots.some((root) => path.startsWith(root.endsWith(sep) ? root : root + sep)))
    return true;
  givenFiles.add(path);
  return false;
}

function attempt<T>({ path, shown }: Pending, work: () => T): { readonly value: T } | { readonly entry: LedgerEntry } {
  try {
    return { value: work() };
  } catch (error) {
    const { kind, got } = problemOf(error, path);
    return { entry: { path: shown, status: "failed", kind, detail: `the system says ${got}` } };
  }
}

function joinShown(folder: string, name: string): string {
  return folder.endsWith("/") || folder.endsWith(sep) ? folder + name : `${folder}/${name}`;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
