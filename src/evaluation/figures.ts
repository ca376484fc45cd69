import { anyIndex, type Label, labelCount, labels } from "../labels/index.ts";
import {
  bootstrapRounds,
  type Interval,
  type Metric,
  metrics,
  type RocPoint,
  remembered,
  rocCurve,
  type Sample,
  type Statistic,
  sensitivityAt,
  specificityAt,
} from "../metrics/index.ts";
import { type Cases, column } from "./cases.ts";
import type { Estimate, Figure, FiguresByLabel, LabelFigures, LevelEvaluation, StoredRocPoint } from "./evaluation.ts";

/** What the figures of one level need beside the cases. */
export interface LevelOptions {
  /** [6]: the constant guess of the prevalence baseline; without it the baseline's figures do not exist. */
  readonly prevalence: readonly number[] | undefined;
  /** Probability at or above which the detector calls a label. */
  readonly operatingPoints: Readonly<Record<Label, number>>;
  readonly rounds: number;
  readonly seed: number;
}

/**
 * All figures of one level. Yields after every bootstrap round, for progress and for a way out. All figures see the same
 * draws of patients, so that the gain over a baseline is a paired difference.
 */
export function* levelFigures(cases: Cases, options: LevelOptions): Generator<void, LevelEvaluation> {
  const drafts = draftBook(cases);
  const finished = labels.map((label, index) => [label, draftLabel(drafts, { label, index, cases, options })] as const);
  const weighted = drafts.add(metrics.weightedLogLoss, {
    positive: column(cases.labels, anyIndex),
    ...samplesOfSix(cases, options.prevalence),
    over: "prevalence",
    intervalNeeds: "two patients",
  });
  const steps = bootstrapRounds({
    clusters: cases.patients,
    statistics: drafts.statistics,
    rounds: options.rounds,
    seed: options.seed,
  });
  let intervals: readonly (Interval | undefined)[] | undefined;
  while (intervals === undefined) {
    const step = steps.next();
    if (step.done) intervals = step.value;
    else yield;
  }
  const roc = rocOfAny(cases);
  const found = intervals;
  return {
    n: cases.count,
    patients: new Set(cases.patients).size,
    labels: Object.fromEntries(finished.map(([label, finish]) => [label, finish(found)])) as FiguresByLabel,
    weightedLogLoss: weighted(found),
    ...(roc === undefined ? {} : { roc }),
  };
}

type Intervals = readonly (Interval | undefined)[];
type Finish<T> = (intervals: Intervals) => T;

/** A score or guess with the metric that judges it; the brain area's threshold is not the detector's. */
interface Judged {
  readonly sample: Sample;
  readonly metric?: Metric;
}

interface FigureDraft {
  /** [cases]: which of them count as positive in the figure's own count. */
  readonly positive: ArrayLike<number>;
  readonly detector: Judged;
  readonly prevalence: Judged | undefined;
  readonly nothing: Judged;
  readonly brainArea?: Judged | undefined;
  /**
   * Patients without whom a bootstrap says nothing: where a single patient bleeds, every round has the same positives,
   * and the interval would be far too narrow.
   */
  readonly intervalNeeds: "two patients" | "two patients of each class";
  /** The baseline that the gain is measured against. */
  readonly over: "brainArea" | "prevalence";
}

interface DraftBook {
  readonly statistics: readonly Statistic[];
  /** Notes what a figure needs of the bootstrap; the function returned makes the figure of the intervals. */
  add(metric: Metric, draft: FigureDraft): Finish<Figure>;
}

function draftBook(cases: Cases): DraftBook {
  const statistics: Statistic[] = [];
  const values: (number | undefined)[] = [];
  const note = (statistic: Statistic): Finish<Estimate> => {
    const at = statistics.push(statistic) - 1;
    values.push(statistic());
    return (intervals) => ({
      ...(values[at] === undefined ? {} : { value: values[at] }),
      ...(values[at] === undefined || intervals[at] === undefined ? {} : { interval: intervals[at] }),
    });
  };
  const add = (metric: Metric, draft: FigureDraft): Finish<Figure> => {
    const statisticOf = (judged: Judged | undefined): Statistic =>
      judged === undefined ? () => undefined : remembered((judged.metric ?? metric).prepare(judged.sample));
    const [detector, prevalence, nothing] = [draft.detector, draft.prevalence, draft.nothing].map(statisticOf);
    const brainArea = draft.brainArea && statisticOf(draft.brainArea);
    const baseline = draft.over === "prevalence" ? prevalence : brainArea;
    const sign = metric.better === "higher" ? 1 : -1;
    const gain: Statistic = (counts) => {
      const [own, other] = [detector!(counts), baseline?.(counts)];
      return own === undefined || other === undefined ? undefined : sign * (own - other);
    };
    const estimates = [detector!, prevalence!, nothing!, gain].map(note);
    const area = brainArea && note(brainArea);
    const positives = patientsOf(cases, (row) => draft.positive[row] === 1);
    const negatives = patientsOf(cases, (row) => draft.positive[row] === 0);
    const known = draft.intervalNeeds === "two patients" || Math.min(positives.patients, negatives.patients) >= 2;
    return (all) => {
      const intervals = known ? all : [];
      const [own, shares, zeros, difference] = estimates.map((finish) => finish(intervals));
      return {
        n: cases.count,
        positives: positives.rows,
        patients: new Set(cases.patients).size,
        positivePatients: positives.patients,
        better: metric.better,
        detector: own!,
        baselines: { prevalence: shares!, nothing: zeros!, ...(area && { brainArea: area(intervals) }) },
        gain: { over: draft.over, ...difference },
      };
    };
  };
  return { statistics, add };
}

function patientsOf({ patients }: Cases, wanted: (row: number) => boolean) {
  const rows = Array.from(patients.keys()).filter(wanted);
  return { rows: rows.length, patients: new Set(rows.map((row) => patients[row])).size };
}

function draftLabel(
  drafts: DraftBook,
  {
    label,
    index,
    cases,
    options,
  }: { readonly label: Label; readonly index: number; readonly cases: Cases; readonly options: LevelOptions },
): Finish<LabelFigures> {
  const positive = column(cases.labels, index);
  const judged = (scores: ArrayLike<number>): Judged => ({ sample: { scores, labels: positive } });
  const guesses = {
    positive,
    detector: judged(column(cases.probabilities, index)),
    prevalence: options.prevalence && judged(new Float64Array(cases.count).fill(options.prevalence[index]!)),
    nothing: judged(new Float64Array(cases.count)),
  };
  const area = judged(cases.brainArea);
  const ranked = {
    ...guesses,
    brainArea: area,
    over: "brainArea",
    intervalNeeds: "two patients of each class",
  } as const;
  const threshold = options.operatingPoints[label];
  const matched = matchedMetrics(guesses.detector.sample, area.sample, threshold);
  const rocAuc = drafts.add(metrics.rocAuc, ranked);
  const averagePrecision = drafts.add(metrics.averagePrecision, ranked);
  const logLoss = drafts.add(metrics.logLoss, { ...guesses, over: "prevalence", intervalNeeds: "two patients" });
  const sensitivity = drafts.add(sensitivityAt(threshold), {
    ...ranked,
    brainArea: matched && { ...area, metric: matched.sensitivity },
  });
  const specificity = drafts.add(specificityAt(threshold), {
    ...ranked,
    brainArea: matched && { ...area, metric: matched.specificity },
  });
  return (intervals) => ({
    rocAuc: rocAuc(intervals),
    averagePrecision: averagePrecision(intervals),
    logLoss: logLoss(intervals),
    operatingPoint: { threshold, sensitivity: sensitivity(intervals), specificity: specificity(intervals) },
  });
}

/**
 * The brain area has no threshold of its own. It is given the best one that these very cases allow: the highest
 * sensitivity at no less than the detector's specificity, and the other way round. That flatters the baseline.
 */
function matchedMetrics(
  detector: Sample,
  area: Sample,
  threshold: number,
): { readonly sensitivity: Metric; readonly specificity: Metric } | undefined {
  const curve = rocCurve(area.scores, area.labels);
  const sensitivity = sensitivityAt(threshold).prepare(detector)();
  const specificity = specificityAt(threshold).prepare(detector)();
  if (curve === undefined || sensitivity === undefined || specificity === undefined) return undefined;
  const rounding = 1e-12; // shares of whole numbers: 1 − x/n against (n − x)/n
  const atSpecificity = curve.findLast((point) => 1 - point.falsePositiveRate >= specificity - rounding);
  const atSensitivity = curve.find((point) => point.truePositiveRate >= sensitivity - rounding);
  return { sensitivity: sensitivityAt(atSpecificity!.threshold), specificity: specificityAt(atSensitivity!.threshold) };
}

function samplesOfSix(cases: Cases, prevalence: readonly number[] | undefined) {
  const judged = (scores: ArrayLike<number>): Judged => ({ sample: { scores, labels: cases.labels } });
  const size = cases.count * labelCount;
  return {
    detector: judged(cases.probabilities),
    prevalence: prevalence && judged(Float64Array.from({ length: size }, (_, at) => prevalence[at % labelCount]!)),
    nothing: judged(new Float64Array(size)),
  };
}

function rocOfAny({ probabilities, labels: truth, brainArea }: Cases): LevelEvaluation["roc"] {
  const positive = column(truth, anyIndex);
  const detector = rocCurve(column(probabilities, anyIndex), positive);
  const area = rocCurve(brainArea, positive);
  return detector && area && { detector: thinned(detector), brainArea: thinned(area) };
}

/** Points of a stored curve at most: a picture shows no more, and the figures are computed from all of them. */
const rocPointLimit = 200;

/** The corners of a curve, and of more than 200 an even choice. */
function thinned(points: readonly RocPoint[]): StoredRocPoint[] {
  const corners = points.filter((point, at) => {
    const [before, after] = [points[at - 1], points[at + 1]];
    if (before === undefined || after === undefined) return true;
    const { falsePositiveRate: x, truePositiveRate: y } = point;
    const turn =
      (x - before.falsePositiveRate) * (after.truePositiveRate - y) -
      (y - before.truePositiveRate) * (after.falsePositiveRate - x);
    return Math.abs(turn) > 1e-12;
  });
  const length = Math.min(corners.length, rocPointLimit);
  return Array.from({ length }, (_, at) => {
    const point = corners[Math.round((at * (corners.length - 1)) / Math.max(1, length - 1))]!;
    const { threshold, ...rates } = point;
    return Number.isFinite(threshold) ? { ...rates, threshold } : rates;
  });
}
