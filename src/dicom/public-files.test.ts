import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { askPydicom, differences, pydicomFiles, withoutPydicom } from "../../test/pydicom-oracle.ts";
import { readHeader } from "./header.ts";
import { readDataSet } from "./parse.ts";

test("every file that pydicom brings is read as pydicom reads it, but for those of the list", {
  skip: withoutPydicom,
}, () => {
  const answers = askPydicom(pydicomFiles);
  const wrong: Record<string, readonly string[]> = {};
  for (const [path, told] of Object.entries(answers)) {
    const read = readHeader(path);
    const found =
      read.kind === "problem"
        ? [`${read.problem.kind}: ${read.problem.got}`]
        : "error" in told
          ? [`pydicom: ${told.error}`]
          : differences(read.value, told);
    if (found.length > 0) wrong[relative(pydicomFiles, path)] = found;
  }
  // Of what Debian's pydicom 2.3.1 brings: an overwritten first byte, a plan that ends within an element, and no DICOM.
  const known: Record<string, readonly string[]> = {
    "test_files/no_meta.dcm": ["not DICOM: 38871 bytes that begin otherwise"],
    "test_files/rtplan_truncated.dcm": ["truncated: a file of 2129 bytes"],
    "test_files/dicomdirtests/TINY_ALPHA/README": ["not DICOM: 1206 bytes that begin otherwise"],
  };
  assert.ok(Object.keys(answers).length > 100);
  assert.deepEqual(wrong, known);
});

test("a file read from disk, page by page, has the elements of the same file in memory", {
  skip: withoutPydicom,
}, () => {
  const found = readdirSync(pydicomFiles, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(found.length > 100);
  for (const entry of found) {
    const path = join(entry.parentPath, entry.name);
    const [paged, whole] = [readHeader(path), readDataSet(readFileSync(path), path)];
    assert.equal(paged.kind, whole.kind, path);
    if (paged.kind === "problem" || whole.kind === "problem") continue;
    assert.deepEqual([...paged.value.elements], [...whole.value.elements], path);
    assert.deepEqual(paged.value.pixelData, whole.value.pixelData, path);
    assert.ok(Buffer.from(paged.value.bytes).equals(whole.value.bytes), path);
  }
});
