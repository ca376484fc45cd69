import assert from "node:assert/strict";
import { test } from "node:test";
import { type EvidenceMap, findEvidence } from "./evidence.ts";
import { viewOf } from "./field-of-view.ts";

/** A slice of 400 × 400 pixels of 0.5 mm of which the network sees all. */
const whole = viewOf(
  { rows: 400, columns: 400, pixelSpacing: [0.5, 0.5] },
  { values: "hu", size: 64, fieldOfViewMm: "image" },
);

/** A map of 8 × 8 cells; each cell is 50 pixels of `whole`. */
function mapOf(cells: Readonly<Record<string, number>>, elsewhere = -1): EvidenceMap {
  const data = new Float32Array(64).fill(elsewhere);
  for (const [place, value] of Object.entries(cells)) {
    const [column, row] = place.split(",").map(Number);
    data[row! * 8 + column!] = value;
  }
  return { data, rows: 8, columns: 8 };
}

test("evidence: boxes of the regions of at least half the peak, the heaviest first, and the peak", () => {
  const map = mapOf({ "1,2": 4, "2,2": 3, "2,3": 2, "3,3": 1.9, "6,6": 3.5 });
  assert.deepEqual(findEvidence("subdural", map, whole), {
    label: "subdural",
    boxes: [
      { left: 50, top: 100, right: 150, bottom: 200 },
      { left: 300, top: 300, right: 350, bottom: 350 },
    ],
    peak: { column: 75, row: 125, logit: 4 },
  });
});

test("evidence: cells that touch at a corner are one region", () => {
  const boxes = findEvidence("any", mapOf({ "0,0": 2, "1,1": 2 }), whole)?.boxes;
  assert.deepEqual(boxes, [{ left: 0, top: 0, right: 100, bottom: 100 }]);
});

test("evidence: at most three boxes", () => {
  const map = mapOf({ "0,0": 1, "2,0": 1, "4,0": 1, "6,0": 1, "0,4": 2 });
  assert.equal(findEvidence("any", map, whole)?.boxes.length, 3);
});

test("evidence: a map that nowhere speaks for the label shows no place", () => {
  assert.equal(findEvidence("any", mapOf({}), whole), undefined);
  assert.equal(findEvidence("any", mapOf({}, 0), whole), undefined);
  assert.equal(findEvidence("any", mapOf({ "1,1": Number.NaN }), whole), undefined);
});

test("evidence: boxes end at the slice's edge, and a region beside the slice has none", () => {
  // 240 mm shown of a slice of 100 mm: 480 × 480 pixels around 200 × 200, so a cell is 60 and the slice starts at 140
  const frame = { rows: 200, columns: 200, pixelSpacing: [0.5, 0.5] as const };
  const view = viewOf(frame, { values: "hu", size: 64, fieldOfViewMm: 240 });
  assert.deepEqual(findEvidence("any", mapOf({ "2,3": 1 }), view)?.boxes, [
    { left: 0, top: 40, right: 40, bottom: 100 },
  ]);
  assert.deepEqual(findEvidence("any", mapOf({ "0,0": 1 }), view)?.boxes, []);
});
