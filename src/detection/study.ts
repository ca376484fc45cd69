import { type Preprocessing, type SeriesOrder, type SeriesVerdict, usedShift } from "../ct/index.ts";
import { labels } from "../labels/index.ts";
import { type ChosenStudy, undecoded } from "./choose.ts";
import type { AnalysedStudy, OtherSeries, SliceFinding, StudyFinding } from "./findings.ts";
import { probabilityOf, type Scorer, type SeriesScorer } from "./series-scorer.ts";
import type { SliceRow } from "./survey.ts";

/** What a detection knows of the chosen series when all its slices have been seen. */
export interface SeriesResult {
  readonly order: SeriesOrder<SliceRow>;
  readonly slices: readonly SliceFinding[];
  /** [6] */
  readonly studyLogits: Float32Array;
  /** Slices that could not be decoded. */
  readonly failed: number;
  /** Slices whose wrapped values were repaired. */
  readonly repaired: number;
  /** Whether slices were shifted, as the gantry was tilted. */
  readonly straightened: boolean;
}

type OperatingPoints = Scorer["info"]["operatingPoints"];

/** What is known of a series beside its scores. */
interface SeriesContext {
  readonly operatingPoints: OperatingPoints;
  readonly preprocessing: Preprocessing;
  readonly repaired: number;
}

/** Gathers what was found in a series. */
export function seriesResult(
  order: SeriesOrder<SliceRow>,
  { scores, studyLogits }: Pick<SeriesScorer, "scores" | "studyLogits">,
  { operatingPoints, preprocessing, repaired }: SeriesContext,
): SeriesResult {
  const slices = order.ordered.flatMap((row, index): SliceFinding[] => {
    const score = scores[index];
    if (score === undefined) return [];
    const { sliceId, sop, frame, shown: file } = row;
    const along = order.alongNormalMm[index];
    return [
      {
        sliceId,
        sop,
        file,
        ...(frame === undefined ? {} : { frame: frame + 1 }),
        ...(along === undefined ? {} : { alongNormalMm: thousandths(along) }),
        ...verdict(score.probabilities, operatingPoints),
        evidence: [...score.evidence],
      },
    ];
  });
  const failed = order.ordered.length - slices.length;
  const straightened = order.shiftsMm.some((shift) => usedShift(preprocessing, shift).some((mm) => mm !== 0));
  return { order, slices, studyLogits, failed, repaired, straightened };
}

/**
 * The record of a study: what was found in its chosen series, and why the others were not read. Not analysed: a study
 * of which no series is a head CT to read, or of whose chosen series no slice could be decoded.
 */
export function studyFinding(study: ChosenStudy, result: SeriesResult, points: OperatingPoints): StudyFinding {
  const { uid, chosen } = study;
  const otherSeries = study.others.map(otherSeriesOf);
  if (chosen === undefined || result.slices.length === 0) {
    const reason = chosen === undefined ? noneToRead(study) : noneDecoded(study, result);
    return { status: "not analysed", study: uid, reason, otherSeries };
  }
  const { straightened } = result;
  return {
    status: "analysed",
    study: uid,
    series: { ...describe(chosen), slices: result.slices.length, straightened },
    otherSeries,
    ...verdict(Array.from(result.studyLogits, probabilityOf), points),
    notes: notesOf(study, result),
    slices: [...result.slices],
  };
}

/** Probabilities and decisions by label; nine digits, as in predictions.csv. */
function verdict(
  probabilities: readonly number[],
  operatingPoints: OperatingPoints,
): Pick<AnalysedStudy, "probabilities" | "decisions"> {
  const rows = labels.map((label, index) => [label, probabilities[index]!] as const);
  const decide = ([label, probability]: (typeof rows)[number]) =>
    [label, probability >= operatingPoints[label] ? "positive" : "negative"] as const;
  return {
    probabilities: byLabel(rows.map(([label, probability]) => [label, Number(probability.toPrecision(9))])),
    decisions: byLabel(rows.map(decide)),
  };
}

function byLabel<T>(entries: readonly (readonly [(typeof labels)[number], T])[]): Record<(typeof labels)[number], T> {
  return Object.fromEntries(entries) as Record<(typeof labels)[number], T>; // the callers map over all labels
}

function describe({ uid, detail, facts }: SeriesVerdict<SliceRow>): Omit<OtherSeries, "status"> {
  const { slices, thicknessMm, kernel, spacingMm, tiltDegrees } = facts;
  return {
    uid,
    slices,
    because: detail,
    ...(thicknessMm === undefined ? {} : { thicknessMm: thousandths(thicknessMm) }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(spacingMm === undefined ? {} : { spacingMm: thousandths(spacingMm) }),
    ...(tiltDegrees === undefined ? {} : { tiltDegrees: thousandths(tiltDegrees) }),
  };
}

function otherSeriesOf(verdict: SeriesVerdict<SliceRow>): OtherSeries {
  const status = verdict.status === "set aside" ? "set aside" : "not chosen";
  const said = describe(verdict);
  return { ...said, status, because: status === "set aside" ? `${verdict.kind}: ${said.because}` : said.because };
}

function noneToRead({ others }: ChosenStudy): string {
  const reasons = others.map(({ kind, detail }) => `${kind} (${detail})`);
  return `none of its series is a head CT to read: ${reasons.join("; ")}`;
}

function noneDecoded({ others }: ChosenStudy, { failed }: SeriesResult): string {
  const tried = others.filter(({ kind }) => kind === undecoded).length;
  if (tried === 0) return `none of the ${count(failed, "slice")} could be decoded`;
  return `none of the slices of its ${tried + 1} head CT series could be decoded`;
}

function notesOf({ leftOut, others }: ChosenStudy, { order, failed, repaired, straightened }: SeriesResult): string[] {
  const notes = others
    .filter(({ kind }) => kind === undecoded)
    .map(({ uid, detail }) => `read in place of series ${uid}: ${detail}`);
  notes.push(...order.remarks.map(({ kind, count: times }) => `${kind}: ${times}`));
  const reasons = new Map<string, number>();
  for (const { kind } of leftOut) reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
  for (const [kind, times] of reasons) notes.push(`${count(times, "slice")} set aside: ${kind}`);
  if (failed > 0) notes.push(`${count(failed, "slice")} could not be decoded: what they show is not known`);
  if (repaired > 0) notes.push(`${count(repaired, "slice")} with wrapped stored values repaired`);
  if (straightened) notes.push(`tilted by ${order.tiltDegrees?.toFixed(1)}°, straightened along the slice normal`);
  if (order.tiltDegrees === undefined) {
    notes.push("the series is without orientation: the detector learned on axial slices");
  }
  return notes;
}

function count(times: number, what: string, many = `${what}s`): string {
  return `${times} ${times === 1 ? what : many}`;
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
