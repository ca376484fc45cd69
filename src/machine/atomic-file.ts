import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { makeFolder } from "./make-folder.ts";

/**
 * Writes a file so that a reader sees the old one or the new one, never half of it: to a temporary name in the same
 * folder, flushed to the disk, then renamed. Makes missing folders. A full or read-only disk is a problem, not a throw.
 * Several pieces are written one after the other, so that a large file need not be in memory. What can be made again and
 * is checked before it is used need not wait for the disk: "unflushed".
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
  flush: "flushed" | "unflushed" = "flushed",
): Result<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    makeFolder(dirname(path));
    const whole = typeof content === "string" ? Buffer.from(content) : content;
    const file = openSync(temporary, "w");
    try {
      for (const bytes of whole instanceof Uint8Array ? [whole] : whole) {
        for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      }
      if (flush === "flushed") fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    return ok(undefined);
  } catch (error) {
    removeIfThere(temporary);
    return fail(fileProblem(error, path));
  }
}

/** What cannot even be looked for (below a file, on a disk that is gone) is not there; the first error tells more. */
function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** Runs file operations that may throw and turns what the system says into a problem that names the path. */
export function fileResult<T>(path: string, work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (error) {
    return fail(fileProblem(error, path));
  }
}

/** What the system said of a file, as a problem with the next step. Errors that are not the system's are thrown on. */
export function fileProblem(error: unknown, path: string): Problem {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  if (code === undefined) throw error;
  const known = systemErrors[code] ?? unknownError;
  return { kind: known.kind, where: path, got: code, expected: "a file that can be read or written", next: known.next };
}

const systemErrors: Readonly<Record<string, { kind: string; next: string }>> = {
  ENOSPC: { kind: "disk full", next: "free some space and run the same command again" },
  EDQUOT: { kind: "disk full", next: "free some of your quota and run the same command again" },
  EROFS: { kind: "read-only", next: "choose an output folder that can be written" },
  EACCES: { kind: "no permission", next: "choose another folder or mend its permissions" },
  EPERM: { kind: "no permission", next: "choose another folder or mend its permissions" },
  ENOENT: { kind: "not found", next: "check the path" },
  ENOTDIR: { kind: "not a folder", next: "name a folder" },
  EISDIR: { kind: "a folder", next: "name a file" },
  EIO: { kind: "disk error", next: "look at the disk, and run the same command again" },
  EREMOTEIO: { kind: "disk error", next: "look at the disk, and run the same command again" },
  ENODEV: { kind: "disk error", next: "connect the disk again and run the same command again" },
  ENXIO: { kind: "disk error", next: "connect the disk again and run the same command again" },
  ESTALE: { kind: "disk error", next: "mount the network disk again and run the same command again" },
  ENOTCONN: { kind: "disk error", next: "mount the network disk again and run the same command again" },
  EHOSTDOWN: { kind: "disk error", next: "mount the network disk again and run the same command again" },
  ETIMEDOUT: { kind: "disk error", next: "mount the network disk again and run the same command again" },
  ELOOP: { kind: "link loop", next: "remove the symbolic links that lead in a circle" },
  EMFILE: { kind: "too many open files", next: "raise the limit (ulimit -n) and run again" },
};

const unknownError = { kind: "file error", next: "look at the path and at the disk" };

const systemKinds = new Set([unknownError, ...Object.values(systemErrors)].map(({ kind }) => kind));

/** Whether a kind of problem is the system's, of the path or the disk: it may pass without any change of the file. */
export function isSystemFault(kind: string): boolean {
  return systemKinds.has(kind);
}
