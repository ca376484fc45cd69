import assert from "node:assert/strict";
import { test } from "node:test";
import { detectorInfo } from "../../test/detector-info.ts";
import { must } from "../base/index.ts";
import { detectorFromBytes, exportDetector, initialise, models } from "../models/index.ts";
import { type EvidenceMap, findEvidence } from "./evidence.ts";
import { viewOf } from "./field-of-view.ts";

/** A slice of 400 × 400 pixels of which the network sees all as 200 × 200: the middle of its first pixel is at 1. */
const whole = viewOf(
  { rows: 400, columns: 400, pixelSpacing: [0.5, 0.5] },
  { values: "hu", size: 200, fieldOfViewMm: "image" },
);

/** A map of 8 × 8 cells; each cell is 50 pixels of `whole`, the first centred on 1, so from −24 to 26. */
function mapOf(cells: Readonly<Record<string, number>>, elsewhere = -1): EvidenceMap {
  const data = new Float32Array(64).fill(elsewhere);
  for (const [place, value] of Object.entries(cells)) {
    const [column, row] = place.split(",").map(Number);
    data[row! * 8 + column!] = value;
  }
  return { data, rows: 8, columns: 8 };
}

const infoOf = (size: number) => detectorInfo({ preprocessing: { values: "hu", size, fieldOfViewMm: "image" } });

test("evidence: boxes of the regions of at least half the peak, the heaviest first, and the peak", () => {
  const map = mapOf({ "1,2": 4, "2,2": 3, "2,3": 2, "3,3": 1.9, "6,6": 3.5 });
  assert.deepEqual(findEvidence("subdural", map, whole), {
    label: "subdural",
    boxes: [
      { left: 26, top: 76, right: 126, bottom: 176 },
      { left: 276, top: 276, right: 326, bottom: 326 },
    ],
    peak: { column: 51, row: 101, logit: 4 },
  });
});

test("evidence: cells that touch at a corner are one region", () => {
  const boxes = findEvidence("any", mapOf({ "0,0": 2, "1,1": 2 }), whole)?.boxes;
  assert.deepEqual(boxes, [{ left: 0, top: 0, right: 76, bottom: 76 }]);
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
  // 240 mm shown of a slice of 100 mm: 480 × 480 pixels around 200 × 200, a pixel of the picture is 2.4, a cell is 60:
  // the first cell is centred on 1.2, the slice starts at 140, so cell 3 spans 151.2 … 211.2, less 140
  const frame = { rows: 200, columns: 200, pixelSpacing: [0.5, 0.5] as const };
  const view = viewOf(frame, { values: "hu", size: 200, fieldOfViewMm: 240 });
  assert.deepEqual(findEvidence("any", mapOf({ "2,3": 1 }), view)?.boxes, [
    { left: 0, top: 11, right: 12, bottom: 72 },
  ]);
  assert.deepEqual(findEvidence("any", mapOf({ "0,0": 1 }), view)?.boxes, []);
});

test("evidence: a network's cell is centred where its box is", async () => {
  const size = 128;
  const cell = 3; // of 8, in the middle: what it sees ends before the picture's edges
  const network = models.cnn.build({ size, neighbours: 1, width: 2 }, "slices");
  const { parameters, buffers } = initialise(network, 1);
  // With equal positive weights the network is linear between 0 and 80 HU, so each column's weight can be read off.
  const state = { parameters: parameters.fill(0.1), buffers };
  const detector = must(await detectorFromBytes(exportDetector(network, state, infoOf(size))));
  // picture n is even but for a brighter column n − 1
  const hu = new Float32Array((size + 1) * size * size).fill(30);
  for (let picture = 1; picture <= size; picture++)
    for (let row = 0; row < size; row++) hu[(picture * size + row) * size + picture - 1] = 70;
  const { evidence } = await detector.score(hu, size + 1);
  await detector.close();
  assert.deepEqual(evidence?.shape, [size + 1, 6, 8, 8]);
  const values = Array.from({ length: size + 1 }, (_, picture) => evidence!.data[picture * 6 * 64 + cell * 8 + cell]!);
  let [mass, moment] = [0, 0];
  for (let column = 0; column < size; column++) {
    mass += values[column + 1]! - values[0]!;
    moment += (values[column + 1]! - values[0]!) * (column + 0.5);
  }
  const view = viewOf({ rows: size, columns: size, pixelSpacing: undefined }, infoOf(size).preprocessing);
  const data = new Float32Array(64).fill(-1);
  data[cell * 8 + cell] = 1;
  const peak = findEvidence("any", { data, rows: 8, columns: 8 }, view)?.peak;
  // rounding of small differences of large float32 sums; the middle of the stride would be 7.5 pixels off
  assert.ok(Math.abs((peak?.column ?? 0) - moment / mass) < 0.5, `${peak?.column}, measured ${moment / mass}`);
});
