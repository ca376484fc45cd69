/** Scores or probabilities with the truth beside them: [n] for one label, [n, 6] row-major for all six. */
export interface Sample {
  /** Higher means more likely positive. Probabilities in [0, 1] where the metric asks for them. */
  readonly scores: ArrayLike<number>;
  /** 0 or 1, of the same length. */
  readonly labels: ArrayLike<number>;
}

/**
 * A statistic of a sample that is already sorted and summed as far as that goes, as a function of how often each row
 * counts ([n], whole numbers; once each without them). `undefined` where the statistic does not exist: never NaN.
 */
export type Statistic = (counts?: ArrayLike<number>) => number | undefined;

/** A row of the metric table. */
export interface Metric {
  /** One line for help texts and tables. */
  readonly summary: string;
  readonly better: "higher" | "lower";
  /** What a row of the sample is: a score of one label, or the probabilities of all six. */
  readonly takes: "one label" | "six labels";
  prepare(sample: Sample): Statistic;
}

/** Throws where a sample is our own mistake: other lengths, labels that are not 0 or 1, scores that are no numbers. */
export function checkSample({ scores, labels }: Sample): void {
  if (scores.length !== labels.length) throw new Error(`${scores.length} scores for ${labels.length} labels`);
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] !== 0 && labels[row] !== 1) throw new Error(`label ${labels[row]} in row ${row}`);
    if (Number.isNaN(scores[row])) throw new Error(`score NaN in row ${row}`);
  }
}

/**
 * A statistic that computes once for each array of counts, for differences of statistics that are wanted themselves as
 * well. The array must not change between calls.
 */
export function remembered(statistic: Statistic): Statistic {
  let last: { readonly counts: ArrayLike<number> | undefined; readonly value: number | undefined } | undefined;
  return (counts) => {
    if (last === undefined || last.counts !== counts) last = { counts, value: statistic(counts) };
    return last.value;
  };
}
