import { checkSample, type Sample, type Statistic } from "./metric.ts";

/** A point of the receiver operating characteristic. */
export interface RocPoint {
  /** Scores at or above it are called positive; Infinity at the first point, where nothing is. */
  readonly threshold: number;
  /** 1 − specificity. */
  readonly falsePositiveRate: number;
  /** Sensitivity. */
  readonly truePositiveRate: number;
}

/**
 * Area under the ROC curve: the share of (positive, negative) pairs in which the positive scores higher, ties counting
 * half (Hanley & McNeil 1982). `undefined` with one class only.
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  return prepareRocAuc({ scores, labels })();
}

/** `rocAuc` for many bootstrap rounds. */
export function prepareRocAuc(sample: Sample): Statistic {
  const ranked = rank(sample);
  return (counts) => {
    let positives = 0;
    let negatives = 0;
    let pairs = 0; // Σ over groups of equal score: positives · (negatives below + half of the negatives beside)
    eachGroup(ranked, counts, (positive, negative) => {
      // Groups come from the highest score down, so each negative meets the positives above it.
      pairs += negative * (positives + positive / 2);
      positives += positive;
      negatives += negative;
    });
    return positives > 0 && negatives > 0 ? pairs / (positives * negatives) : undefined;
  };
}

/**
 * Average precision: Σ (Rₖ − Rₖ₋₁) Pₖ over the thresholds, precision P and recall R, without interpolation (as
 * scikit-learn's `average_precision_score`). `undefined` without a positive.
 */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  return prepareAveragePrecision({ scores, labels })();
}

/** `averagePrecision` for many bootstrap rounds. */
export function prepareAveragePrecision(sample: Sample): Statistic {
  const ranked = rank(sample);
  return (counts) => {
    let positives = 0;
    let called = 0;
    let sum = 0;
    eachGroup(ranked, counts, (positive, negative) => {
      positives += positive;
      called += positive + negative;
      if (called > 0) sum += (positive * positives) / called;
    });
    return positives > 0 ? sum / positives : undefined;
  };
}

/**
 * The ROC curve: one point for each distinct score, from nothing called to everything called; both coordinates never
 * fall. `undefined` with one class only.
 */
export function rocCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): readonly RocPoint[] | undefined {
  const hits: { threshold: number; positives: number; negatives: number }[] = [];
  let positives = 0;
  let negatives = 0;
  eachGroup(rank({ scores, labels }), undefined, (positive, negative, threshold) => {
    positives += positive;
    negatives += negative;
    hits.push({ threshold, positives, negatives });
  });
  if (positives === 0 || negatives === 0) return undefined;
  const points = hits.map((hit) => ({
    threshold: hit.threshold,
    falsePositiveRate: hit.negatives / negatives,
    truePositiveRate: hit.positives / positives,
  }));
  return [{ threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, truePositiveRate: 0 }, ...points];
}

/**
 * The threshold with the largest sensitivity + specificity − 1 (Youden 1950), the lowest of several, as a missed bleed
 * costs more than a false alarm. It lies halfway to the next lower score, so that a last bit of rounding in a later
 * computation of the same score flips no decision. `undefined` with one class only.
 */
export function youdenThreshold(scores: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  const points = rocCurve(scores, labels)?.slice(1);
  if (points === undefined) return undefined;
  let best = 0;
  for (const [at, point] of points.entries()) if (youden(point) >= youden(points[best]!)) best = at;
  const score = points[best]!.threshold;
  const below = points[best + 1]?.threshold;
  return below === undefined || !Number.isFinite(below) || !Number.isFinite(score) ? score : (score + below) / 2;
}

function youden({ truePositiveRate, falsePositiveRate }: RocPoint): number {
  return truePositiveRate - falsePositiveRate;
}

/** Rows from the highest score to the lowest. */
interface Ranked {
  readonly order: Int32Array;
  /** Label of each place in the order. */
  readonly positive: Uint8Array;
  /** 1 at the last place of each group of equal scores. */
  readonly last: Uint8Array;
  readonly scores: ArrayLike<number>;
}

function rank(sample: Sample): Ranked {
  checkSample(sample);
  const { scores, labels } = sample;
  // Not a difference: that of two infinities is NaN.
  const order = Int32Array.from({ length: scores.length }, (_, row) => row).sort((one, other) =>
    scores[one]! > scores[other]! ? -1 : scores[one]! < scores[other]! ? 1 : one - other,
  );
  const positive = Uint8Array.from(order, (row) => labels[row]!);
  const last = Uint8Array.from(order, (row, at) =>
    at + 1 === order.length || scores[order[at + 1]!] !== scores[row] ? 1 : 0,
  );
  return { order, positive, last, scores };
}

/** Calls `visit` with how often positives and negatives count in each group of equal scores, highest score first. */
function eachGroup(
  { order, positive, last, scores }: Ranked,
  counts: ArrayLike<number> | undefined,
  visit: (positives: number, negatives: number, score: number) => void,
): void {
  let positives = 0;
  let negatives = 0;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const count = counts === undefined ? 1 : counts[row]!;
    if (positive[at] === 1) positives += count;
    else negatives += count;
    if (last[at] === 0) continue;
    visit(positives, negatives, scores[row]!);
    positives = 0;
    negatives = 0;
  }
}
