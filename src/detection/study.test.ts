import assert from "node:assert/strict";
import { test } from "node:test";
import type { SeriesOrder } from "../ct/index.ts";
import { type SeriesResult, seriesResult, studyFinding } from "./study.ts";
import type { SliceRow } from "./survey.ts";

const operatingPoints = {
  epidural: 0.5,
  intraparenchymal: 0.5,
  intraventricular: 0.5,
  subarachnoid: 0.5,
  subdural: 0.5,
  any: 0.5,
};

interface Shape {
  readonly uid: string;
  readonly positions: readonly number[];
  readonly tiltDegrees?: number | undefined;
  readonly failed?: number;
  readonly logit?: number;
}

/** A series whose first `failed` slices could not be decoded. */
function result({ uid, positions, tiltDegrees = 0, failed = 0, logit = 0 }: Shape): SeriesResult {
  const ordered = positions.map((_, index): SliceRow => {
    const sliceId = `${uid}.${index}`;
    const row = { sliceId, sop: sliceId, shown: `${sliceId}.dcm`, position: undefined, orientation: undefined };
    return { ...row, frame: undefined, pixelSpacing: undefined, rows: 4, columns: 4 };
  });
  const order: SeriesOrder<SliceRow> = {
    ordered,
    alongNormalMm: positions,
    spacingMm: 5,
    tiltDegrees: Number.isNaN(tiltDegrees) ? undefined : tiltDegrees,
    evenness: "even",
    shiftsMm: positions.map(() => [0, 0]),
    remarks: [],
  };
  const score = { probabilities: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], evidence: [] };
  const scores = positions.map((_, index) => (index < failed ? undefined : score));
  const studyLogits = new Float32Array(6).fill(logit);
  return seriesResult({ uid, order }, { scores, studyLogits }, { operatingPoints, repaired: 0 });
}

function chosen(...shapes: readonly Shape[]) {
  const finding = studyFinding("study", shapes.map(result), operatingPoints);
  assert.equal(finding.status, "analysed");
  return finding.status === "analysed" ? finding : assert.fail();
}

const head = Array.from({ length: 30 }, (_, index) => index * 5);

test("study: the only series is the finding's", () => {
  const { series, slices, probabilities, decisions, notes, otherSeries } = chosen({ uid: "1", positions: head });
  assert.deepEqual(series, {
    uid: "1",
    slices: 30,
    spacingMm: 5,
    tiltDegrees: 0,
    because: "the only series of the study",
  });
  assert.equal(slices[3]?.alongNormalMm, 15);
  assert.equal(slices[0]?.decisions.subdural, "positive");
  assert.equal(slices[0]?.decisions.subarachnoid, "negative");
  assert.equal(probabilities.any, 0.5);
  assert.equal(decisions.any, "positive");
  assert.deepEqual([notes, otherSeries], [[], []]);
});

test("study: the axial series with the most positions is chosen, whatever the order", () => {
  const shapes = [
    { uid: "coronal", positions: [...head, 150, 155, 160], tiltDegrees: 88 },
    { uid: "perfusion", positions: Array.from({ length: 300 }, (_, index) => (index % 8) * 10) },
    { uid: "few", positions: head.slice(5) },
    { uid: "whole", positions: head, tiltDegrees: 22, logit: 2 },
  ];
  const finding = chosen(...shapes);
  assert.equal(finding.series.uid, "whole");
  assert.equal(finding.series.because, "the most slice positions (30) among the 3 axial of 4 series");
  assert.deepEqual(
    finding.otherSeries.map(({ uid }) => uid),
    ["coronal", "perfusion", "few"],
  );
  assert.equal(chosen(...shapes.toReversed()).series.uid, "whole");
});

test("study: equal series are told apart by their UIDs", () => {
  const shapes = [
    { uid: "1.3", positions: head },
    { uid: "1.2", positions: head },
  ];
  assert.equal(chosen(...shapes).series.uid, "1.2");
  assert.equal(chosen(...shapes.toReversed()).series.uid, "1.2");
});

test("study: slices that failed are told, and a series of which all failed is not chosen", () => {
  const finding = chosen({ uid: "1", positions: head, failed: 30 }, { uid: "2", positions: head.slice(3), failed: 2 });
  assert.equal(finding.series.uid, "2");
  assert.equal(finding.series.slices, 25);
  assert.deepEqual(finding.notes, [
    "2 slices could not be decoded: what they show is not known",
    "30 slices of series 1 could not be decoded",
  ]);
});

test("study: without an axial series the finding says so", () => {
  assert.match(chosen({ uid: "1", positions: head, tiltDegrees: 89 }).notes.join(), /tilted by 89°/);
  assert.match(chosen({ uid: "1", positions: head, tiltDegrees: Number.NaN }).notes.join(), /without orientation/);
});

test("study: nothing decoded is not analysed, with the reason", () => {
  const finding = studyFinding("study", [result({ uid: "1", positions: head, failed: 30 })], operatingPoints);
  const reason = "none of the 30 slices could be decoded";
  assert.deepEqual(finding, { status: "not analysed", study: "study", reason });
});
