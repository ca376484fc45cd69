import assert from "node:assert/strict";
import { test } from "node:test";
import { detectorInfo } from "../../test/detector-info.ts";
import { must } from "../base/index.ts";
import { stackNeighbours } from "../ct/index.ts";
import { openSeriesScorer, type Scorer } from "./series-scorer.ts";

const size = 8;
const info = detectorInfo({ preprocessing: { values: "hu", size, fieldOfViewMm: "image" }, neighbours: 3 });

/** Keeps what it is shown; the logit of label l is the slice's first value / 10 − l. */
function watch(): { readonly scorer: Scorer; readonly stacks: Float32Array[]; readonly calls: number[] } {
  const stacks: Float32Array[] = [];
  const calls: number[] = [];
  const length = 3 * size * size;
  const scorer: Scorer = {
    info,
    async score(hu, slices) {
      calls.push(slices);
      const sliceLogits = new Float32Array(slices * 6);
      const studyLogits = new Float32Array(6).fill(-100);
      for (let row = 0; row < slices; row++) {
        stacks.push(hu.slice(row * length, (row + 1) * length));
        const own = hu[row * length + size * size]!;
        for (let label = 0; label < 6; label++) {
          sliceLogits[row * 6 + label] = own / 10 - label;
          studyLogits[label] = Math.max(studyLogits[label]!, own / 10 - label);
        }
      }
      const data = new Float32Array(slices * 6 * 4).map((_, cell) => (cell % 4 === 1 ? 1 : -1));
      return { sliceLogits, studyLogits, evidence: { data, shape: [slices, 6, 2, 2] } };
    },
  };
  return { scorer, stacks, calls };
}

function pictures(count: number): Int16Array[] {
  return Array.from({ length: count }, (_, index) => new Int16Array(size * size).fill(index + 1));
}

function framesOf(count: number) {
  return Array.from({ length: count }, () => ({ rows: 16, columns: 16, pixelSpacing: undefined }));
}

test("series scorer: every slice is scored once with its neighbours, however the slices come in", async () => {
  const all = pictures(150);
  const expected = all.map((_, at) => stackNeighbours([all[at - 1], all[at], all[at + 1]], size));
  for (const steps of [[150], [32, 32, 32, 32, 22], [1, 1, 2, 146], [149, 1]]) {
    const { scorer, stacks, calls } = watch();
    const series = openSeriesScorer(framesOf(150), scorer);
    let from = 0;
    for (const step of steps) {
      must(await series.accept(all.slice(from, from + step)));
      from += step;
    }
    assert.deepEqual(stacks, expected);
    assert.ok(Math.max(...calls) <= 64);
    assert.equal(series.scores.filter((score) => score !== undefined).length, 150);
    assert.deepEqual(Array.from(series.studyLogits), [15, 14, 13, 12, 11, 10]);
  }
});

test("series scorer: a slice that could not be decoded is not scored and stays a gap between its neighbours", async () => {
  const all = pictures(4);
  const { scorer, stacks } = watch();
  const series = openSeriesScorer(framesOf(4), scorer);
  must(await series.accept([all[0], undefined, all[2], all[3]]));
  assert.deepEqual(
    series.scores.map((score) => score !== undefined),
    [true, false, true, true],
  );
  assert.deepEqual(stacks, [
    stackNeighbours([undefined, all[0], undefined], size),
    stackNeighbours([undefined, all[2], all[3]], size),
    stackNeighbours([all[2], all[3], undefined], size),
  ]);
});

test("series scorer: evidence for positive labels alone, in pixels of the stored slice", async () => {
  const series = openSeriesScorer(framesOf(1), watch().scorer);
  must(await series.accept([new Int16Array(size * size).fill(10)])); // logits 1, 0, −1 …
  const evidence = series.scores[0]?.evidence;
  // 2 × 2 cells over 16 × 16 pixels, the network's picture 8 × 8: the second cell is centred on its pixel 4, the slice's 9
  const box = { left: 5, top: 0, right: 13, bottom: 5 };
  const peak = { column: 9, row: 1, logit: 1 };
  assert.deepEqual(evidence, [
    { label: "epidural", boxes: [box], peak },
    { label: "intraparenchymal", boxes: [box], peak }, // a probability of exactly the operating point is positive
  ]);
});

test("series scorer: a detector that answers no number is a problem", async () => {
  const { scorer } = watch();
  const broken: Scorer = {
    info,
    async score(hu, slices) {
      const answer = await scorer.score(hu, slices);
      answer.sliceLogits[3] = Number.NaN;
      return answer;
    },
  };
  const answer = await openSeriesScorer(framesOf(2), broken).accept(pictures(2));
  assert.equal(answer.kind === "problem" && answer.problem.kind, "detector without an answer");
});
