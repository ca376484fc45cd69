import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { withoutPydicom } from "../../test/pydicom-oracle.ts";
import { askOracle } from "../../test/python.ts";
import { must } from "../base/index.ts";
import { loadCodecs } from "../dicom/index.ts";
import { readHu } from "./hounsfield.ts";
import { type HeaderOutcome, readSliceHeaders, type SliceHeader } from "./slice-header.ts";

// Every way to store HU, against pydicom and NumPy: one process writes the files and says what they hold.

const folder = mkdtempSync(join(tmpdir(), "ichor-values-"));
after(() => rmSync(folder, { recursive: true }));
const skip = withoutPydicom;

before(() => loadCodecs(["1.2.840.10008.1.2.5"]));

/** HU of each frame of each file, or the reason for which a file has none. */
const wanted: Readonly<Record<string, readonly (readonly number[])[] | string>> =
  skip === false ? JSON.parse(askOracle("pydicom_hu.py", [folder])) : {};

const reasonOf = (outcome: HeaderOutcome | undefined) =>
  outcome === undefined || outcome.kind === "slice" ? "a slice" : `${outcome.kind}: ${outcome.reason}`;

/** Compares all files whose name begins so; gives their number. */
function compare(prefix: string): number {
  const names = Object.keys(wanted).filter((name) => name.startsWith(prefix));
  for (const name of names) {
    const path = join(folder, name);
    const outcomes = readSliceHeaders(path);
    const hu = wanted[name]!;
    if (typeof hu === "string") assert.equal(reasonOf(outcomes[0]), hu, name);
    else {
      assert.equal(outcomes.length, hu.length, name);
      for (const [frame, outcome] of outcomes.entries()) {
        assert.equal(reasonOf(outcome), "a slice", name);
        assert.deepEqual([...must(readHu(path, outcome)).hu], hu[frame], `${name}, frame ${frame}`);
      }
    }
  }
  return names.length;
}

test("bits beside the stored ones are noise, wherever HighBit lies", { skip }, () => {
  assert.equal(compare("layout"), 52);
});

test("an overlay in the high bits is no part of the values", { skip }, () => {
  assert.equal(compare("overlay"), 1);
});

test("slopes and intercepts of any size give pydicom's HU, halves rounded up, cut to int16", { skip }, () => {
  assert.equal(compare("line"), 24);
});

test("lines that are none, and those that take all values out of range, are refused", { skip }, () => {
  assert.equal(compare("noline"), 8);
});

test("HU and what has no name are HU; another quantity is set aside by its name", { skip }, () => {
  assert.equal(compare("type"), 5);
});

test("MONOCHROME1 is a matter of display", { skip }, () => {
  assert.equal(compare("monochrome1"), 1);
});

test("a modality LUT gives pydicom's values: signed first value, both ends, 65,536 entries, packed bytes", {
  skip,
}, () => {
  assert.equal(compare("table"), 26);
});

test("named padding is air, single values and ranges either way round, whatever VR it is written in", { skip }, () => {
  assert.equal(compare("padding"), 16);
});

test("an Enhanced CT is a slice a frame, each with its own rescale, in any byte order, compressed or not", {
  skip,
}, () => {
  assert.equal(compare("enhanced"), 8);
  const headers = readSliceHeaders(join(folder, "enhanced-1.dcm")).map((outcome): SliceHeader => {
    assert.ok(outcome.kind === "slice");
    return outcome.header;
  });
  const { sop } = headers[0]!;
  assert.deepEqual(
    headers.map(({ sliceId, frame }) => [sliceId, frame]),
    [0, 1, 2, 3, 4].map((frame) => [`${sop}:${frame + 1}`, frame]),
  );
  assert.deepEqual(
    headers.map(({ position }) => position),
    [0, 2.5, 5, 7.5, 10].map((z) => [-4, -3, z]),
  );
  const { orientation, pixelSpacing, slope, intercept, sliceThicknessMm, kernel, imageType, contrast } = headers[3]!;
  assert.deepEqual(
    [orientation, pixelSpacing],
    [
      [1, 0, 0, 0, 1, 0],
      [0.5, 0.25],
    ],
  );
  assert.deepEqual([slope, intercept, sliceThicknessMm, kernel, contrast], [2.5, -993.25, 2.5, "H40s", "no"]);
  assert.deepEqual(imageType, ["ORIGINAL", "PRIMARY", "AXIAL", "NONE"]);
  const { stack, inStackPosition, temporalPosition, acquisition } = headers[3]!;
  assert.deepEqual([stack, inStackPosition, temporalPosition, acquisition], ["1", 4, 1, 2]);
});

test("a legacy converted CT gives what it keeps among unassigned attributes", { skip }, () => {
  assert.equal(compare("converted"), 1);
  const last = readSliceHeaders(join(folder, "converted.dcm"))[2];
  assert.ok(last?.kind === "slice");
  const { kernel, bodyPart, instanceNumber, sliceThicknessMm, position } = last.header;
  assert.deepEqual([kernel, bodyPart, instanceNumber, sliceThicknessMm], ["BONE", "HEAD", 9, 5]);
  assert.deepEqual(position, [0, 0, 10]);
});
