import assert from "node:assert/strict";
import { test } from "node:test";
import { describeStart, notesOnStarts } from "./provenance.ts";

test("a start says with what and on what; starts that differ in what may change the numbers are noted", () => {
  const one = describeStart({ threads: 1, form: "portable" });
  assert.match(one.versions.ichor, /^\d+\.\d+\.\d+/);
  assert.match(one.versions.onnxruntime, /^\d+\.\d+\.\d+$/);
  assert.deepEqual(notesOnStarts([one, { ...one, at: "later" }]), []);
  assert.deepEqual(notesOnStarts([one, { ...one, threads: 2 }, one]), [
    "resumed with other threads (1, then 2): last bits may differ",
  ]);
});
