import type { SeriesOrder } from "../ct/index.ts";
import { labels } from "../labels/index.ts";
import type { AnalysedStudy, SeriesFinding, SliceFinding, StudyFinding } from "./findings.ts";
import { probabilityOf, type Scorer, type SeriesScorer } from "./series-scorer.ts";
import type { SliceRow } from "./survey.ts";

/** What a detection knows of one series when all its slices have been seen. */
export interface SeriesResult {
  readonly order: SeriesOrder<SliceRow>;
  readonly finding: SeriesFinding;
  readonly slices: readonly SliceFinding[];
  /** [6] */
  readonly studyLogits: Float32Array;
  /** Slices that could not be decoded. */
  readonly failed: number;
  /** Slices whose wrapped values were repaired. */
  readonly repaired: number;
}

type OperatingPoints = Scorer["info"]["operatingPoints"];

/** Gathers what was found in a series. */
export function seriesResult(
  { uid, order }: { readonly uid: string; readonly order: SeriesOrder<SliceRow> },
  { scores, studyLogits }: Pick<SeriesScorer, "scores" | "studyLogits">,
  { operatingPoints, repaired }: { readonly operatingPoints: OperatingPoints; readonly repaired: number },
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
  const { spacingMm, tiltDegrees } = order;
  const finding = {
    uid,
    slices: slices.length,
    ...(spacingMm === undefined ? {} : { spacingMm: thousandths(spacingMm) }),
    ...(tiltDegrees === undefined ? {} : { tiltDegrees: thousandths(tiltDegrees) }),
  };
  return { order, finding, slices, studyLogits, failed: order.ordered.length - slices.length, repaired };
}

/**
 * The record of a study. Every series was scored, as each readable slice wants its six probabilities; the study's finding
 * however comes from one series, so that a slice is not counted once for each kernel it was reconstructed with. It is the
 * most complete axial one, by these rules in turn: its normal lies within 45° of the table's axis; it has most positions
 * along the normal (a perfusion series has many slices at few positions); it has most slices; its UID comes first.
 */
export function studyFinding(study: string, series: readonly SeriesResult[], points: OperatingPoints): StudyFinding {
  const ranked = series.filter(({ slices }) => slices.length > 0).sort(byCompleteness);
  const chosen = ranked[0];
  const failed = series.reduce((sum, each) => sum + each.failed, 0);
  if (chosen === undefined)
    return { status: "not analysed", study, reason: `none of the ${count(failed, "slice")} could be decoded` };
  return {
    status: "analysed",
    study,
    series: { ...chosen.finding, because: reasonOf(chosen, series) },
    otherSeries: series.filter((each) => each !== chosen).map(({ finding }) => finding),
    ...verdict(Array.from(chosen.studyLogits, probabilityOf), points),
    notes: notesOf(chosen, series),
    slices: [...chosen.slices],
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

function byCompleteness(one: SeriesResult, other: SeriesResult): number {
  return (
    Number(isAxial(other)) - Number(isAxial(one)) ||
    positionsOf(other) - positionsOf(one) ||
    other.slices.length - one.slices.length ||
    (one.finding.uid < other.finding.uid ? -1 : 1)
  );
}

/** Head CT is tilted by up to 30°; coronal and sagittal reformats are at 60° and more. */
function isAxial({ order: { tiltDegrees } }: SeriesResult): boolean {
  return tiltDegrees !== undefined && tiltDegrees <= 45;
}

/** Different positions along the normal, told apart to a hundredth of a millimetre. */
function positionsOf({ slices }: SeriesResult): number {
  return new Set(slices.map(({ alongNormalMm }) => alongNormalMm?.toFixed(2))).size;
}

function reasonOf(chosen: SeriesResult, series: readonly SeriesResult[]): string {
  if (series.length === 1) return "the only series of the study";
  const axial = series.filter(isAxial).length;
  const kind = isAxial(chosen) ? `${axial} axial of ${series.length}` : `${series.length}, none of them axial,`;
  return `the most slice positions (${positionsOf(chosen)}) among the ${kind} series`;
}

function notesOf(chosen: SeriesResult, series: readonly SeriesResult[]): string[] {
  const { order, failed, repaired } = chosen;
  const notes = order.remarks.map(({ kind, count: times }) => `${kind}: ${times}`);
  if (failed > 0) notes.push(`${count(failed, "slice")} could not be decoded: what they show is not known`);
  if (repaired > 0) notes.push(`${count(repaired, "slice")} with wrapped stored values repaired`);
  if (!isAxial(chosen)) {
    const seen = order.tiltDegrees === undefined ? "without orientation" : `tilted by ${order.tiltDegrees.toFixed(0)}°`;
    notes.push(`the series is ${seen}: the detector learned on axial slices`);
  }
  for (const other of series)
    if (other !== chosen && other.failed > 0)
      notes.push(`${count(other.failed, "slice")} of series ${other.finding.uid} could not be decoded`);
  return notes;
}

function count(times: number, what: string): string {
  return `${times} ${what}${times === 1 ? "" : "s"}`;
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
