import { checkSample, type Metric, type Sample, type Statistic } from "./metric.ts";

/** How decisions and truth meet; a score at or above the threshold is called positive. */
export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/** Counts decisions at a threshold against the truth; `counts` [n] is how often each row counts. */
export function confusionAt(threshold: number, { scores, labels }: Sample, counts?: ArrayLike<number>): Confusion {
  let truePositives = 0;
  let falsePositives = 0;
  let positives = 0;
  let rows = 0;
  for (let row = 0; row < labels.length; row++) {
    const count = counts === undefined ? 1 : counts[row]!;
    const positive = labels[row] === 1 ? count : 0;
    positives += positive;
    rows += count;
    if (scores[row]! >= threshold) {
      truePositives += positive;
      falsePositives += count - positive;
    }
  }
  const falseNegatives = positives - truePositives;
  return { truePositives, falsePositives, falseNegatives, trueNegatives: rows - positives - falsePositives };
}

/** Share of the positives that are called; `undefined` without positives. */
export function sensitivity({ truePositives, falseNegatives }: Confusion): number | undefined {
  return share(truePositives, falseNegatives);
}

/** Share of the negatives that are not called; `undefined` without negatives. */
export function specificity({ trueNegatives, falsePositives }: Confusion): number | undefined {
  return share(trueNegatives, falsePositives);
}

/** Sensitivity at a threshold, as a metric. */
export function sensitivityAt(threshold: number): Metric {
  return metricAt(threshold, "share of the positives that are called", sensitivity);
}

/** Specificity at a threshold, as a metric. */
export function specificityAt(threshold: number): Metric {
  return metricAt(threshold, "share of the negatives that are not called", specificity);
}

function metricAt(threshold: number, summary: string, figure: (confusion: Confusion) => number | undefined): Metric {
  const prepare = (sample: Sample): Statistic => {
    checkSample(sample);
    return (counts) => figure(confusionAt(threshold, sample, counts));
  };
  return { summary, better: "higher", takes: "one label", prepare };
}

function share(part: number, rest: number): number | undefined {
  return part + rest > 0 ? part / (part + rest) : undefined;
}
