import { fail, ok, type Result } from "../base/index.ts";
import { type Preprocessing, stackNeighbours } from "../ct/index.ts";
import { labelCount, labels } from "../labels/index.ts";
import type { Detector, DetectorAnswer } from "../models/index.ts";
import { findEvidence } from "./evidence.ts";
import { type Frame, viewOf } from "./field-of-view.ts";
import type { Evidence } from "./findings.ts";
import { pieces } from "./in-order.ts";

/** What detection needs of a detector. */
export type Scorer = Pick<Detector, "info" | "score">;

/** What the detector says of one slice. */
export interface SliceScore {
  /** [6] */
  readonly probabilities: readonly number[];
  readonly evidence: readonly Evidence[];
}

/** Scores one series while its slices come in. */
export interface SeriesScorer {
  /** The next slices along the normal, `undefined` for one that could not be decoded; scores those that have all their neighbours. */
  accept(pictures: readonly (Int16Array | undefined)[]): Promise<Result<void>>;
  /** Of each slice of the series; `undefined` where it could not be decoded. */
  readonly scores: readonly (SliceScore | undefined)[];
  /** [6]: the largest over the slices scored so far. */
  readonly studyLogits: Float32Array;
}

/** Slices a call of the detector: its activations stay under 100 MB (128×128, 16 channels). */
const slicesPerCall = 64;

/**
 * Opens the scorer of a series. `frames` are its slices along the normal. A picture is let go as soon as no slice needs it
 * as a neighbour, so that memory does not depend on the length of the series.
 * A slice that could not be decoded stays a gap between its neighbours; they see their nearest slice in its place.
 */
export function openSeriesScorer(frames: readonly Frame[], { info, score }: Scorer): SeriesScorer {
  const reach = (info.neighbours - 1) >> 1;
  const pictures = new Array<Int16Array | undefined>(frames.length).fill(undefined);
  const scores = new Array<SliceScore | undefined>(frames.length).fill(undefined);
  const studyLogits = new Float32Array(labelCount).fill(Number.NEGATIVE_INFINITY);
  let [filled, done] = [0, 0];
  return {
    scores,
    studyLogits,
    async accept(more) {
      for (const picture of more) pictures[filled++] = picture;
      const ready = filled === frames.length ? filled : Math.max(done, filled - reach);
      const waiting = Array.from({ length: ready - done }, (_, index) => done + index).filter((at) => pictures[at]);
      for (const some of pieces(waiting, slicesPerCall)) {
        const answer = await score(batchOf(some, { pictures, reach, info }), some.length);
        const problem = checkNumbers(answer);
        if (problem.kind === "problem") return problem;
        some.forEach((at, row) => {
          scores[at] = sliceScore({ answer, row, frame: frames[at]! }, info);
        });
        for (let label = 0; label < labelCount; label++)
          studyLogits[label] = Math.max(studyLogits[label]!, answer.studyLogits[label]!);
      }
      done = ready;
      pictures.fill(undefined, 0, Math.max(0, done - reach));
      return ok(undefined);
    },
  };
}

/** [slices, neighbours, size, size] */
function batchOf(
  slices: readonly number[],
  context: {
    readonly pictures: readonly (Int16Array | undefined)[];
    readonly reach: number;
    readonly info: Scorer["info"];
  },
): Float32Array {
  const { pictures, reach, info } = context;
  const { size } = info.preprocessing;
  const stackLength = info.neighbours * size * size;
  const batch = new Float32Array(slices.length * stackLength);
  slices.forEach((at, row) => {
    const neighbours = Array.from({ length: info.neighbours }, (_, channel) => pictures[at + channel - reach]);
    batch.set(stackNeighbours(neighbours, size), row * stackLength);
  });
  return batch;
}

/** One slice's part of a detector's answer. */
interface AnswerRow {
  readonly answer: DetectorAnswer;
  readonly row: number;
  readonly frame: Frame;
}

function sliceScore({ answer, row, frame }: AnswerRow, info: Scorer["info"]): SliceScore {
  const logits = answer.sliceLogits.subarray(row * labelCount, (row + 1) * labelCount);
  const probabilities = Array.from(logits, probabilityOf);
  const view = viewOf(frame, info.preprocessing satisfies Preprocessing);
  const evidence = labels.flatMap((label, index) => {
    if (answer.evidence === undefined || probabilities[index]! < info.operatingPoints[label]) return [];
    const [rows = 0, columns = 0] = answer.evidence.shape.slice(2);
    const start = (row * labelCount + index) * rows * columns;
    const data = answer.evidence.data.subarray(start, start + rows * columns);
    return findEvidence(label, { data, rows, columns }, view) ?? [];
  });
  return { probabilities, evidence };
}

/** The probability of a logit: 1 / (1 + e⁻ˣ). */
export function probabilityOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

function checkNumbers({ sliceLogits, studyLogits }: DetectorAnswer): Result<void> {
  if (sliceLogits.every(Number.isFinite) && studyLogits.every(Number.isFinite)) return ok(undefined);
  return fail({
    kind: "detector without an answer",
    where: "the detector's logits",
    got: "a value that is no finite number",
    expected: "numbers",
    next: "train the detector again: its training has diverged, or its file is damaged",
  });
}
