import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type FileStart, openAheadReader, openDirectReader } from "./direct.ts";

const mostBytes = 3 * 4096;
const lengths = [5000, 0, 1, 4095, 4096, 4097, mostBytes - 1, mostBytes, mostBytes + 1, 10 * mostBytes];

/** Folders of an ordinary disk, and of one that is memory, where there is one: what can be read directly differs. */
const folders = [tmpdir(), "/dev/shm"].filter(existsSync).map((parent) => mkdtempSync(join(parent, "ichor-direct-")));
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const filesOf = (folder: string) =>
  lengths.map((length) => {
    const path = join(folder, `${length}.bin`);
    writeFileSync(
      path,
      Uint8Array.from({ length }, (_, at) => (at * 7 + length) % 251),
    );
    return path;
  });

/** A start with a copy of its bytes, as they are lent. */
const kept = (start: FileStart | undefined) => start && { ...start, bytes: Uint8Array.from(start.bytes) };

function startByPlainRead(path: string): FileStart {
  const bytes = Uint8Array.from(readFileSync(path)).subarray(0, mostBytes);
  const { size, mtimeMs } = statSync(path);
  return { sizeBytes: size, mtimeMs, bytes: Uint8Array.from(bytes) };
}

test("a start read past the system's cache is what a plain read gives", () => {
  for (const folder of folders) {
    const read = openDirectReader(mostBytes);
    for (const path of filesOf(folder)) assert.deepEqual(kept(read(path)), startByPlainRead(path), path);
  }
});

test("one reader serves files of several file systems", () => {
  const read = openDirectReader(mostBytes);
  const paths = folders.flatMap(filesOf);
  for (const path of [...paths, ...paths.toReversed()]) {
    const start = kept(read(path)); // undefined where they ask for different alignments
    if (start !== undefined) assert.deepEqual(start, startByPlainRead(path), path);
  }
});

test("starts that are read ahead come in the order of their files", async () => {
  for (const folder of folders) {
    const paths = filesOf(folder);
    const many = [...paths, ...paths, ...paths];
    const starts: unknown[] = [];
    for await (const start of openAheadReader(mostBytes)(many)) starts.push(kept(start));
    assert.deepEqual(starts, many.map(startByPlainRead));
  }
});

test("a large start, which lies in pages of 2 MB, is read like the others", async () => {
  const path = join(folders[0]!, "large.bin");
  writeFileSync(
    path,
    Uint8Array.from({ length: 3_000_001 }, (_, at) => at % 253),
  );
  for await (const start of openAheadReader(2 ** 22)([path, path, path, path]))
    assert.deepEqual(start?.bytes, Uint8Array.from(readFileSync(path)));
});

test("what cannot be read is undefined, and the files after it are read", async () => {
  const [path = ""] = filesOf(folders[0]!);
  const missing = join(folders[0]!, "missing.bin");
  assert.equal(openDirectReader(mostBytes)(missing), undefined);
  assert.equal(openDirectReader(mostBytes)(folders[0]!), undefined);
  const starts: unknown[] = [];
  for await (const start of openAheadReader(mostBytes)([missing, path, missing, path])) starts.push(kept(start));
  assert.deepEqual(starts, [undefined, startByPlainRead(path), undefined, startByPlainRead(path)]);
});

test("whoever stops early leaves no file open", { skip: !existsSync("/proc/self/fd") && "no /proc" }, async () => {
  const paths = filesOf(folders[0]!);
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const before = openFiles();
  for await (const start of openAheadReader(mostBytes)(paths)) if (start !== undefined) break;
  assert.equal(openFiles(), before);
});
