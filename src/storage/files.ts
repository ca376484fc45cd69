import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { fail, ok, type Result } from "../base/index.ts";
import { type OpenArchive, useArchive } from "./archive.ts";
import type { ByteFile } from "./byte-file.ts";
import { entrySeparator } from "./entry-name.ts";
import { openHead } from "./heads.ts";
import { readFully } from "./read-fully.ts";
import { problemOf, readsOf, StorageFault } from "./storage-fault.ts";

/**
 * Opens a file, or an entry of an archive: `ARCHIVE!/ENTRY`. For `withFile` and for tests: it throws what the system says, and a
 * StorageFault where an archive is damaged.
 */
export function openFile(path: string): ByteFile {
  if (path.includes(entrySeparator)) return openPossibleEntry(path);
  return openHead(path, () => openPlainFile(path)) ?? openPlainFile(path);
}

/** Opens a file, uses it, closes it. Problems: those of `use`, and what the system or an archive says at any moment. */
export function withFile<T>(path: string, use: (file: ByteFile) => Result<T>): Result<T> {
  let file: ByteFile | undefined;
  try {
    file = openFile(path);
    return use(file);
  } catch (error) {
    return fail(problemOf(error, path));
  } finally {
    file?.close();
  }
}

/**
 * Size and time of the last change of a file or an entry: whether it is still what it was. Undefined where it is gone.
 * Problems: what else the system says, which leaves open whether it is there.
 */
export function statFile(path: string): Result<{ readonly sizeBytes: number; readonly mtimeMs: number } | undefined> {
  try {
    const entry = path.includes(entrySeparator) ? findEntry(path) : undefined;
    if (entry !== undefined) {
      const sizeBytes = entry.archive.sizeOf(entry.name);
      return ok(sizeBytes === undefined ? undefined : { sizeBytes, mtimeMs: entry.archive.mtimeMs });
    }
    const stats = statSync(path);
    return ok(stats.isFile() ? { sizeBytes: stats.size, mtimeMs: stats.mtimeMs } : undefined);
  } catch (error) {
    const problem = problemOf(error, path);
    return ["not found", "not a folder"].includes(problem.kind) ? ok(undefined) : fail(problem);
  }
}

/** Whether a file is an archive that is read, by its first bytes. Throws what the system says. */
export function isArchive(path: string): boolean {
  const stats = statSync(path);
  return stats.isFile() && useArchive(path, stats) !== undefined;
}

function openPlainFile(path: string): ByteFile {
  const descriptor = openSync(path, "r");
  try {
    const { size, mtimeMs } = fstatSync(descriptor);
    return {
      sizeBytes: size,
      mtimeMs,
      read: (target, offset) => readsOf(path, () => readFully(descriptor, target, offset)),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openPossibleEntry(path: string): ByteFile {
  const entry = findEntry(path);
  if (entry === undefined) return openPlainFile(path);
  const { archive, name } = entry;
  const opened = archive.open(name, path);
  if (opened === undefined) throw noSuchEntry(path);
  archive.hold();
  return { mtimeMs: archive.mtimeMs, ...opened, close: archive.release };
}

/** The archive that a path leads into: its first part that is a file. Folders may have names with "!" too. */
function findEntry(path: string): { readonly archive: OpenArchive; readonly name: string } | undefined {
  for (let at = path.indexOf(entrySeparator); at !== -1; at = path.indexOf(entrySeparator, at + 1)) {
    const file = path.slice(0, at);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats?.isFile() !== true) continue;
    const archive = useArchive(file, stats);
    return archive && { archive, name: path.slice(at + entrySeparator.length) };
  }
  return undefined;
}

function noSuchEntry(where: string): StorageFault {
  const expected = "an entry of the archive";
  return new StorageFault({ kind: "not found", where, got: "no such entry", expected, next: "check the path" });
}
