import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { askOracle, pythonSays } from "../../test/python.ts";
import { dictionary, listedVr, standardElement } from "./dictionary.ts";

const version = pythonSays("import pydicom; print(pydicom.__version__)");
const skip = version === "2.3.1" ? false : "python3-pydicom 2.3.1 (Debian 12) is not installed";

test("the standard's dictionary is what its script writes", { skip }, () => {
  const written = askOracle("pydicom_dictionary.py");
  assert.equal(readFileSync(new URL("standard-dictionary.ts", import.meta.url), "utf8"), written);
});

test("the elements that have a name here are the standard's", () => {
  const either = new Set(["LUTData"]); // "US or OW"
  for (const [keyword, [tag, vr]] of Object.entries(dictionary))
    if (!either.has(keyword))
      assert.deepEqual([standardElement(tag)?.keyword, standardElement(tag)?.vr], [keyword, vr]);
});

test("a tag that repeats, a group's length, a private block and an unknown tag have their VR", () => {
  assert.deepEqual([0x60023000, 0x00090000, 0x00090010, 0x00091001, 0x00080fff].map(listedVr), [
    "OW",
    "UL",
    "LO",
    "UN",
    "UN",
  ]);
  assert.equal(standardElement(0x60023000)?.keyword, "OverlayData");
  assert.equal(standardElement(0x00091001), undefined);
});
