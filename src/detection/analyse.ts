import { resolve } from "node:path";
import { fail, ok, type Progress, type Result } from "../base/index.ts";
import { orderSeries, type PlaneShift, type SeriesOrder } from "../ct/index.ts";
import { submissionHeader, submissionLines } from "../labels/index.ts";
import type { Detector } from "../models/index.ts";
import { type ChosenStudy, chooseNext } from "./choose.ts";
import type { Draft } from "./draft.ts";
import type { Frame } from "./field-of-view.ts";
import type { StudyFinding } from "./findings.ts";
import type { FindingsWriter } from "./findings-writer.ts";
import { inOrder, pieces } from "./in-order.ts";
import type { Ledger } from "./ledger.ts";
import prepareSlices, { type PixelTask, type PreparedSlice } from "./pixel-worker.ts";
import { openSeriesScorer, type SeriesScorer } from "./series-scorer.ts";
import { seriesResult, studyFinding } from "./study.ts";
import { interrupted, type SliceRow } from "./survey.ts";
import { openWork } from "./work.ts";

/** Slices a decoding task: half a study, so that two workers share one; about 0.2 s of work. */
const slicesPerTask = 32;

/** Tasks in flight: one is being scored, two are being decoded meanwhile. */
const tasksAhead = 3;

/** What the second pass needs. */
export interface AnalysisOptions {
  readonly detector: Pick<Detector, "info" | "hash" | "score">;
  readonly draft: Draft;
  readonly ledger: Ledger;
  readonly findings: FindingsWriter;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Is told each study's record as it is written. */
  readonly onStudy: (finding: StudyFinding) => void;
}

/** A piece of a study's chosen series on its way through decoding and scoring; of a study without one an empty piece. */
interface Piece {
  readonly study: ChosenStudy;
  readonly order: SeriesOrder<SliceRow>;
  readonly slices: readonly SliceRow[];
  /** Of each slice, to straighten the series. */
  readonly shiftsMm: readonly PlaneShift[];
  readonly completes: "nothing" | "study";
}

/**
 * Second pass, study by study: orders the chosen series along its normal, decodes and prepares it in worker threads while the
 * detector scores what came before, and writes predictions, findings and ledger. Where no slice of it can be decoded, the
 * study's next series by the same rules is read. Problems: "interrupted", "detector without an answer", and those of the
 * files that are written.
 */
export async function analyseStudies(studies: readonly ChosenStudy[], options: AnalysisOptions): Promise<Result<void>> {
  const { draft, threads, detector } = options;
  const total = studies.reduce((sum, { chosen }) => sum + (chosen?.slices.length ?? 0), 0);
  const tasks = Math.ceil(total / slicesPerTask);
  const work = openWork<PixelTask, PreparedSlice[]>(
    { name: "./pixel-worker", task: prepareSlices },
    { threads, tasks },
  );
  const bar = options.progress.start("Analysing slices", total);
  const { preprocessing } = detector.info;
  const prepare = async (piece: Piece) => {
    const slices = piece.slices.map(({ shown, frame = 0 }, index) => {
      return { path: resolve(shown), frame, shiftMm: piece.shiftsMm[index] };
    });
    return { piece, prepared: await work.run({ slices, preprocessing }) };
  };
  let done = 0;
  const advance = ({ slices, completes }: Piece) => {
    if (completes === "study") done++;
    bar.advance(slices.length, `study ${Math.min(done + 1, studies.length)} of ${studies.length}`);
  };
  draft.write("predictions.csv", submissionHeader);
  try {
    return await analyse(studies, { ...options, analysis: openAnalysis(options), prepare, advance });
  } finally {
    bar.done();
    await work.close();
  }
}

type Analysing = Pick<AnalysisOptions, "draft" | "signal"> & {
  readonly analysis: Analysis;
  readonly prepare: (piece: Piece) => Promise<{ readonly piece: Piece; readonly prepared: readonly PreparedSlice[] }>;
  /** Is told of each piece; not of those that are read in another's place, which nobody counted on. */
  readonly advance: (piece: Piece) => void;
};

async function analyse(studies: readonly ChosenStudy[], work: Analysing): Promise<Result<void>> {
  for await (const { piece, prepared } of inOrder(piecesOf(studies), work.prepare, tasksAhead)) {
    if (work.signal.aborted) return fail(interrupted("analysing slices"));
    const next = await work.analysis.take(piece, prepared);
    if (next.kind === "problem") return next;
    const read = next.value === undefined ? next : await analyse([next.value], { ...work, advance: () => {} });
    if (read.kind === "problem") return read;
    const unwritable = work.draft.problem();
    if (unwritable !== undefined) return fail(unwritable);
    work.advance(piece);
  }
  return ok(undefined);
}

function* piecesOf(studies: readonly ChosenStudy[]): Generator<Piece, void, void> {
  for (const study of studies) {
    const order = orderSeries(study.chosen?.slices ?? []);
    const { length } = order.ordered;
    if (length === 0) yield { study, order, slices: [], shiftsMm: [], completes: "study" };
    let seen = 0;
    for (const slices of pieces(order.ordered, slicesPerTask)) {
      const shiftsMm = order.shiftsMm.slice(seen, seen + slices.length);
      seen += slices.length;
      yield { study, order, slices, shiftsMm, completes: seen < length ? "nothing" : "study" };
    }
  }
}

interface Analysis {
  /** Takes up the next piece; gives the study with its next series where nothing of this one could be decoded. */
  take(piece: Piece, prepared: readonly PreparedSlice[]): Promise<Result<ChosenStudy | undefined>>;
}

/** Holds the series that is being scored; everything older is written. */
function openAnalysis({ detector, draft, ledger, findings, onStudy }: AnalysisOptions): Analysis {
  const { operatingPoints, preprocessing } = detector.info;
  let scorer: SeriesScorer | undefined;
  let repaired = 0;
  return {
    async take({ study, order, slices, completes }, prepared) {
      scorer ??= openSeriesScorer(framesOf(order), detector);
      for (const [index, slice] of slices.entries()) recordSlice(ledger, slice, prepared[index]);
      repaired += prepared.filter((slice) => slice.kind === "prepared" && slice.repaired !== "no").length;
      const pictures = prepared.map((slice) => (slice.kind === "prepared" ? slice.picture : undefined));
      const scored = await scorer.accept(pictures);
      if (scored.kind === "problem") return scored;
      if (completes === "nothing") return ok(undefined);
      for (const [index, { sliceId }] of order.ordered.entries()) {
        const score = scorer.scores[index];
        if (score !== undefined) draft.write("predictions.csv", submissionLines(sliceId, score.probabilities));
      }
      const result = seriesResult(order, scorer, { operatingPoints, preprocessing, repaired });
      scorer = undefined;
      repaired = 0;
      recordUnread(ledger, study.leftOut);
      const next = result.slices.length === 0 ? await chooseNext(study) : undefined;
      if (next !== undefined) return ok(next);
      recordUnread(ledger, study.unread);
      const finding = studyFinding(study, result, operatingPoints);
      findings.add(finding);
      onStudy(finding);
      return ok(undefined);
    },
  };
}

/** Where the pictures of a series lie on its slices. */
function framesOf({ ordered, shiftsMm }: SeriesOrder<SliceRow>): readonly Frame[] {
  return ordered.map(({ rows, columns, pixelSpacing }, index) => {
    return { rows, columns, pixelSpacing, shiftMm: shiftsMm[index] };
  });
}

function recordUnread(ledger: Ledger, slices: ChosenStudy["unread"]): void {
  for (const { slice, kind, detail } of slices) ledger.record({ path: slice.shown, status: "set aside", kind, detail });
}

function recordSlice(ledger: Ledger, { shown: path }: SliceRow, prepared: PreparedSlice | undefined): void {
  if (prepared?.kind !== "failed") ledger.record({ path, status: "used", kind: "", detail: "" });
  else ledger.record({ path, status: "failed", kind: prepared.reason, detail: prepared.detail });
}
