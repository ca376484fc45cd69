import assert from "node:assert/strict";
import { test } from "node:test";
import { must } from "../base/index.ts";
import { orderSeries, type Preprocessing } from "../ct/index.ts";
import { type ChosenStudy, chooseInStudies, chooseNext } from "./choose.ts";
import { seriesResult, studyFinding } from "./study.ts";
import type { SliceRow } from "./survey.ts";

const { signal } = new AbortController();

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
  readonly count: number;
  readonly failed?: number;
  readonly changes?: Partial<SliceRow>;
  /** Degrees of the gantry, while the table moves along z. */
  readonly tilt?: number;
}

function slicesOf({ uid, count, changes, tilt = 0 }: Shape): SliceRow[] {
  const [cos, sin] = [Math.cos((tilt * Math.PI) / 180), Math.sin((tilt * Math.PI) / 180)];
  return Array.from({ length: count }, (_, index) => ({
    sliceId: `${uid}.${index}`,
    sop: `${uid}.${index}`,
    shown: `${uid}.${index}.dcm`,
    frame: undefined,
    position: [-125, -125, 5 * index] as const,
    orientation: [1, 0, 0, 0, cos, -sin] as const,
    pixelSpacing: [0.5, 0.5] as const,
    rows: 500,
    columns: 500,
    sliceThicknessMm: 5,
    kernel: "H31s",
    imageType: [],
    seriesDescription: undefined,
    bodyPart: undefined,
    contrast: "unknown",
    acquisition: undefined,
    seriesNumber: undefined,
    instanceNumber: undefined,
    ...changes,
  }));
}

const preprocessing: Preprocessing = { values: "hu", size: 8, fieldOfViewMm: 240, tilt: "straightened" };

/**
 * The finding of a study, of which as many slices of each series as its shape says cannot be decoded, and what is said of
 * the slices that were not read.
 */
async function findingOf(...shapes: readonly Shape[]) {
  const series = shapes.map((shape) => ({ uid: shape.uid, slices: slicesOf(shape) }));
  let [study] = must(await chooseInStudies([{ uid: "study", series }], signal));
  for (;;) {
    assert.ok(study !== undefined);
    const order = orderSeries(study.chosen?.slices ?? []);
    const failed = shapes.find(({ uid }) => uid === study?.chosen?.uid)?.failed ?? 0;
    const score = { probabilities: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], evidence: [] };
    const scores = order.ordered.map((_, index) => (index < failed ? undefined : score));
    const scored = { scores, studyLogits: new Float32Array(6) };
    const result = seriesResult(order, scored, { operatingPoints, preprocessing, repaired: 0 });
    const next: ChosenStudy | undefined = result.slices.length === 0 ? await chooseNext(study) : undefined;
    if (next === undefined) {
      const unread = [...study.leftOut, ...study.unread].map(({ slice, kind, detail }) => [slice.shown, kind, detail]);
      return { finding: studyFinding(study, result, operatingPoints), unread };
    }
    study = next;
  }
}

async function analysed(...shapes: readonly Shape[]) {
  const { finding } = await findingOf(...shapes);
  return finding.status === "analysed" ? finding : assert.fail(finding.reason);
}

test("study: the only series is the finding's", async () => {
  const { series, slices, probabilities, decisions, notes, otherSeries } = await analysed({ uid: "1", count: 30 });
  assert.deepEqual(series, {
    uid: "1",
    slices: 30,
    because: "the only series of the study",
    thicknessMm: 5,
    kernel: "H31s",
    spacingMm: 5,
    tiltDegrees: 0,
    straightened: false,
  });
  assert.equal(slices[3]?.alongNormalMm, 15);
  assert.equal(slices[0]?.decisions.subdural, "positive");
  assert.equal(slices[0]?.decisions.subarachnoid, "negative");
  assert.equal(probabilities.any, 0.5);
  assert.equal(decisions.any, "positive");
  assert.deepEqual([notes, otherSeries], [[], []]);
});

test("study: one series is read, and each other one says why it is not", async () => {
  const shapes: readonly Shape[] = [
    { uid: "thin", count: 40, changes: { sliceThicknessMm: 1 } },
    { uid: "bone", count: 30, changes: { kernel: "H60s" } },
    { uid: "whole", count: 30 },
  ];
  const { finding, unread } = await findingOf(...shapes);
  assert.ok(finding.status === "analysed");
  assert.equal(finding.series.uid, "whole");
  assert.equal(
    finding.series.because,
    "the first of 2 head CT series by the rules (3 series in all); the next: thinner: 1 mm against 5 mm",
  );
  assert.deepEqual(
    finding.otherSeries.map(({ uid, status, because, slices }) => [uid, status, because, slices]),
    [
      ["thin", "not chosen", "thinner: 1 mm against 5 mm", 40],
      ["bone", "set aside", "bone kernel: kernel H60s", 30],
    ],
  );
  assert.equal(unread.length, 70);
  assert.deepEqual(unread[0], ["thin.0.dcm", "series not chosen", "thinner: 1 mm against 5 mm"]);
  assert.deepEqual((await findingOf(...shapes.toReversed())).finding, finding);
});

test("study: slices that failed and slices of another plane are told", async () => {
  const scout = {
    ...slicesOf({ uid: "1", count: 1 })[0]!,
    sliceId: "scout",
    orientation: [0, 1, 0, 0, 0, -1] as const,
  };
  const { finding, unread } = await findingOf({ uid: "1", count: 30, failed: 2 });
  assert.ok(finding.status === "analysed" && unread.length === 0);
  assert.equal(finding.series.slices, 28);
  assert.deepEqual(finding.notes, ["2 slices could not be decoded: what they show is not known"]);
  const chosen = await chooseInStudies(
    [{ uid: "study", series: [{ uid: "1", slices: [...slicesOf({ uid: "1", count: 30 }), scout] }] }],
    signal,
  );
  const leftOut = must(chosen)[0]?.leftOut.map(({ slice, kind }) => [slice.sliceId, kind]);
  assert.deepEqual(leftOut, [["scout", "other plane"]]);
});

test("study: a series of a tilted gantry is straightened, and the finding says so", async () => {
  const { series, notes } = await analysed({ uid: "1", count: 30, tilt: 22 });
  assert.equal(series.straightened, true);
  assert.deepEqual(notes, ["tilted by 22.0°, straightened along the slice normal"]);
});

test("study: without orientation the finding says so", async () => {
  const changes = { orientation: undefined };
  assert.match((await analysed({ uid: "1", count: 30, changes })).notes.join(), /without orientation/);
});

test("study: without a series to read, or with nothing decoded, it is not analysed, with the reason", async () => {
  const bone: Shape = { uid: "bone", count: 30, changes: { kernel: "BONEPLUS" } };
  const reasonOf = async (...shapes: readonly Shape[]) => {
    const { finding } = await findingOf(...shapes);
    return finding.status === "not analysed" ? finding.reason : assert.fail();
  };
  assert.equal(await reasonOf(bone), "none of its series is a head CT to read: bone kernel (kernel BONEPLUS)");
  assert.equal(await reasonOf(bone, { uid: "1", count: 30, failed: 30 }), "none of the 30 slices could be decoded");
  assert.equal(
    await reasonOf({ uid: "1", count: 30, failed: 30 }, { uid: "2", count: 28, failed: 28 }, bone),
    "none of the slices of its 2 head CT series could be decoded",
  );
});

test("study: where nothing of the chosen series can be decoded, the next one by the rules is read, and both are told", async () => {
  const { finding, unread } = await findingOf(
    { uid: "best", count: 30, failed: 30 },
    { uid: "thin", count: 40, changes: { sliceThicknessMm: 1 } },
    { uid: "bone", count: 30, changes: { kernel: "H60s" } },
    { uid: "second", count: 29, failed: 29 },
  );
  assert.ok(finding.status === "analysed");
  assert.deepEqual([finding.series.uid, finding.series.slices], ["thin", 40]);
  assert.deepEqual(
    finding.otherSeries.map(({ uid, status, because }) => `${uid} ${status}: ${because}`),
    [
      "best set aside: nothing decoded: none of its 30 slices could be decoded",
      "second set aside: nothing decoded: none of its 29 slices could be decoded",
      "bone set aside: bone kernel: kernel H60s",
    ],
  );
  assert.deepEqual(finding.notes, [
    "read in place of series best: none of its 30 slices could be decoded",
    "read in place of series second: none of its 29 slices could be decoded",
  ]);
  assert.deepEqual([...new Set(unread.map(([, kind]) => kind))], ["bone kernel"]);
});
