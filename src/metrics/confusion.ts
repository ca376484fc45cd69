import { checkSample, type Metric, type Sample, type Statistic } from "./metric.ts";

/** How decisions and truth meet; a score at or above the threshold is called positive. */
export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/** Counts decisions at a threshold against the truth. */
export function confusionAt(threshold: number, { scores, labels }: Sample): Confusion {
  let truePositives = 0;
  let falsePositives = 0;
  let positives = 0;
  for (let row = 0; row < labels.length; row++) {
    const positive = labels[row] === 1 ? 1 : 0;
    positives += positive;
    if (scores[row]! >= threshold) {
      truePositives += positive;
      falsePositives += 1 - positive;
    }
  }
  const falseNegatives = positives - truePositives;
  return { truePositives, falsePositives, falseNegatives, trueNegatives: labels.length - positives - falsePositives };
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
  return {
    summary: "share of the positives that are called",
    better: "higher",
    takes: "one label",
    prepare: (sample) => shareOfRows(sample, 1, (score) => score >= threshold),
  };
}

/** Specificity at a threshold, as a metric. */
export function specificityAt(threshold: number): Metric {
  return {
    summary: "share of the negatives that are not called",
    better: "higher",
    takes: "one label",
    prepare: (sample) => shareOfRows(sample, 0, (score) => score < threshold),
  };
}

/** The share of the rows of one class whose score is right; the rows of the other class are not even looked at. */
function shareOfRows(sample: Sample, label: 0 | 1, isRight: (score: number) => boolean): Statistic {
  checkSample(sample);
  const rows = Int32Array.from({ length: sample.labels.length }, (_, row) => row).filter(
    (row) => sample.labels[row] === label,
  );
  const right = Uint8Array.from(rows, (row) => (isRight(sample.scores[row]!) ? 1 : 0));
  return (counts) => {
    let found = 0;
    let total = 0;
    for (let at = 0; at < rows.length; at++) {
      const count = counts === undefined ? 1 : counts[rows[at]!]!;
      total += count;
      found += count * right[at]!;
    }
    return share(found, total - found);
  };
}

function share(part: number, rest: number): number | undefined {
  return part + rest > 0 ? part / (part + rest) : undefined;
}
