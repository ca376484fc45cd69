import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanDescriptor } from "./descriptors.ts";

test("what describes an image stays, whatever its case and signs", () => {
  for (const text of [
    "HEAD W/O CONTRAST",
    "Brain 5.0 H31s",
    "CT Head Axial 3mm",
    "Schaedel nativ",
    "Cor Bone MPR 2.5",
  ]) {
    assert.equal(cleanDescriptor(text), text);
  }
});

test("names, numbers long enough for an ID and dates go", () => {
  assert.equal(cleanDescriptor("HEAD Smith^John"), "HEAD");
  assert.equal(cleanDescriptor("Brain for Dr. Mueller 2019-04-12"), "Brain for");
  assert.equal(cleanDescriptor("MRN 4711234 HEAD"), "HEAD");
  assert.equal(cleanDescriptor("St. Mary's Hospital routine head"), "routine head");
  assert.equal(cleanDescriptor("Doe"), "");
});
