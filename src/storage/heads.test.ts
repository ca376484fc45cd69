import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openFile } from "./files.ts";
import { headBytes, readHeads, withHeads } from "./heads.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-heads-"));
after(() => rmSync(folder, { recursive: true }));

const count = (length: number) => Uint8Array.from({ length }, (_, at) => at % 251);

function fileOf(name: string, length: number): string {
  const path = join(folder, name);
  writeFileSync(path, count(length));
  return path;
}

/** All of a file from a place on, read as it is opened now. */
function rest(path: string, offset: number, length: number): Uint8Array {
  const file = openFile(path);
  try {
    const target = new Uint8Array(length);
    return target.subarray(0, file.read(target, offset));
  } finally {
    file.close();
  }
}

test("a file whose head is at hand reads as without it, within the head and beyond", () => {
  for (const length of [0, 10, headBytes - 1, headBytes, headBytes + 1, 3 * headBytes]) {
    const path = fileOf(`${length}.bin`, length);
    withHeads([path], readHeads([path]), () => {
      for (const [offset, wanted] of [
        [0, 10],
        [0, headBytes],
        [7, headBytes],
        [headBytes - 5, 10],
        [headBytes + 3, 2 * headBytes],
        [4 * headBytes, 5],
      ] as const)
        assert.deepEqual(rest(path, offset, wanted), count(length).subarray(offset, offset + wanted));
    });
  }
});

test("a head serves only while it is lent, and tells the size that the file had", () => {
  const path = fileOf("grows.bin", 100);
  const heads = readHeads([path]);
  appendFileSync(path, new Uint8Array(50));
  const [within, behind] = [withHeads([path], heads, () => openFile(path)), openFile(path)];
  assert.deepEqual([within.sizeBytes, behind.sizeBytes], [100, 150]);
  within.close();
  behind.close();
});

test("what is wrong with a file is said when it is opened", () => {
  const missing = join(folder, "missing.bin");
  const heads = readHeads([missing]);
  assert.throws(() => withHeads([missing], heads, () => openFile(missing)), { code: "ENOENT" });
});
