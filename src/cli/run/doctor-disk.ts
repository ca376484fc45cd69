import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Result } from "../../base/index.ts";
import { fileResult } from "../../machine/index.ts";

/** How fast a disk is, MB/s (10⁶ bytes). */
export type DiskRate =
  | { readonly kind: "scratch"; readonly folder: string; readonly writeMBs: number; readonly rereadMBs: number }
  | { readonly kind: "files"; readonly folder: string; readonly files: number; readonly readMBs: number };

const chunk = 8 << 20; // bytes
const most = 64 << 20; // bytes that are written to a temporary folder

/** Whether a folder can be read; without one there is nothing to ask. */
export function canRead(folder: string | undefined): Result<void> {
  return fileResult(folder ?? "", () => {
    if (folder !== undefined) readdirSync(folder);
  });
}

/** Reads the files of a folder as they come; without one, writes to the temporary folder and reads it again. */
export function measureDisk(folder: string | undefined, ms: number): Result<DiskRate> {
  return folder === undefined ? fileResult(tmpdir(), () => scratch(ms)) : fileResult(folder, () => files(folder, ms));
}

function scratch(ms: number): DiskRate {
  const folder = mkdtempSync(join(tmpdir(), "ichor-doctor-"));
  try {
    const path = join(folder, "scratch");
    const bytes = new Uint8Array(chunk).map((_, index) => (index * 2654435761) >>> 24); // not to be compressed away
    const start = performance.now();
    const file = openSync(path, "w");
    let written = 0;
    while (written < most && (written === 0 || performance.now() - start < ms)) written += writeSync(file, bytes);
    fsyncSync(file);
    closeSync(file);
    const between = performance.now();
    readFileSync(path);
    const end = performance.now();
    const rate = (time: number) => written / Math.max(time, 1e-3) / 1e3;
    return { kind: "scratch", folder: tmpdir(), writeMBs: rate(between - start), rereadMBs: rate(end - between) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function files(folder: string, ms: number): DiskRate {
  let [count, bytes] = [0, 0];
  const start = performance.now();
  for (const path of walk(folder)) {
    bytes += readFileSync(path).length;
    count++;
    if (performance.now() - start > ms) break;
  }
  const seconds = Math.max(performance.now() - start, 1e-3) / 1e3;
  return { kind: "files", folder, files: count, readMBs: bytes / 1e6 / seconds };
}

function* walk(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) yield* walk(path);
    else if (stat?.isFile()) yield path;
  }
}
