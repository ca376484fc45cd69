import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dictionary, listedVr, standardElement } from "./dictionary.ts";

const python = "/usr/bin/python3"; // Debian's, which is the one that has python3-pydicom
const version = spawnSync(python, ["-c", "import pydicom; print(pydicom.__version__)"], { encoding: "utf8" });
const skip = version.stdout.trim() === "2.3.1" ? false : "python3-pydicom 2.3.1 (Debian 12) is not installed";

test("the standard's dictionary is what its script writes", { skip }, () => {
  const script = new URL("../../test/oracles/pydicom_dictionary.py", import.meta.url).pathname;
  const written = spawnSync(python, [script], { encoding: "utf8", maxBuffer: 2 ** 24 }).stdout;
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
