import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hostileFiles } from "../../test/hostile-files.ts";
import type { DataSet } from "./data-set.ts";
import { readFrame } from "./frame.ts";
import { readHeader } from "./header.ts";
import { readDataSet } from "./parse.ts";
import { items } from "./sequences.ts";
import { bytesOf, numbers, personNames, text } from "./values.ts";
import { elementsOf } from "./writable-elements.ts";
import { writeDataSet } from "./write-data-set.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-hostile-"));
after(() => rmSync(folder, { recursive: true }));
const files = hostileFiles();

/** Asks for every value of a data set and of its items at any depth. */
function visit(dataSet: DataSet): void {
  for (const tag of dataSet.elements.keys()) {
    text(dataSet, tag);
    personNames(dataSet, tag);
    for (const number of numbers(dataSet, tag) ?? []) assert.ok(Number.isFinite(number));
    assert.ok(bytesOf(dataSet, tag));
    items(dataSet, tag).forEach(visit);
  }
}

test("a file that is damaged in any of two thousand ways is read or refused, and what is read can be written", () => {
  assert.ok(files.size > 1500);
  const kinds = new Set<string>();
  for (const [name, bytes] of files) {
    const path = join(folder, "hostile.dcm");
    writeFileSync(path, bytes);
    const header = readHeader(path);
    kinds.add(header.kind === "problem" ? header.problem.kind : "read");
    if (header.kind === "problem") continue;
    visit(header.value);
    const again = readDataSet(writeDataSet(elementsOf(header.value), { transferSyntax: "1.2.840.10008.1.2.1" }), name);
    assert.equal(again.kind, "ok", name);
    const frame = readFrame(path, header.value);
    if (name.startsWith("cut")) assert.equal(frame.kind, "problem", `${name} has lost pixels`);
  }
  assert.deepEqual([...kinds].sort(), ["damaged", "not DICOM", "read", "too large", "truncated"]);
});

test("reading a damaged file with all its items takes a number of steps that its size bounds", () => {
  const { getUint16 } = DataView.prototype;
  let steps = 0;
  DataView.prototype.getUint16 = function (this: DataView, ...place: [number, boolean?]) {
    steps++;
    return getUint16.apply(this, place);
  };
  const visitItems = (dataSet: DataSet): void => {
    for (const tag of dataSet.elements.keys()) items(dataSet, tag).forEach(visitItems);
  };
  try {
    for (const [name, bytes] of files) {
      if (name.startsWith("bomb")) continue;
      steps = 0;
      const read = readDataSet(bytes, name);
      if (read.kind === "ok") visitItems(read.value);
      assert.ok(steps <= 100 + 2 * bytes.length, `${name}: ${steps} steps for ${bytes.length} bytes`);
    }
  } finally {
    DataView.prototype.getUint16 = getUint16;
  }
});
