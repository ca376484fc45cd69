import { labelCount, lossWeights } from "../labels/index.ts";
import { checkSample, type Sample, type Statistic } from "./metric.ts";

/**
 * Probabilities are clipped to [1e-15, 1 − 1e-15] before the logarithm, as the competition did: a wrong certainty costs
 * 34.5 and not everything.
 */
export const probabilityFloor = 1e-15;

/** Mean natural log loss of one label, −ln p(truth). Probabilities are clipped. `undefined` without rows. */
export function logLoss(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  return prepareLogLoss({ scores: probabilities, labels })();
}

/** `logLoss` for many bootstrap rounds. */
export function prepareLogLoss(sample: Sample): Statistic {
  return weightedMean(lossesOf(sample));
}

/**
 * The metric of the RSNA 2019 competition: the mean over slices of [2 L(any) + Σ L(type)] / 7, with L the log loss
 * above. `probabilities`, `labels`: [slices, 6]. `undefined` without slices.
 */
export function weightedLogLoss(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  return prepareWeightedLogLoss({ scores: probabilities, labels })();
}

/** `weightedLogLoss` for many bootstrap rounds. */
export function prepareWeightedLogLoss(sample: Sample): Statistic {
  const losses = lossesOf(sample);
  if (losses.length % labelCount !== 0) throw new Error(`${losses.length} probabilities are no rows of six`);
  const total = lossWeights.reduce((sum, weight) => sum + weight, 0);
  const rows = new Float64Array(losses.length / labelCount);
  for (let row = 0; row < rows.length; row++) {
    let sum = 0;
    for (let label = 0; label < labelCount; label++) sum += lossWeights[label]! * losses[row * labelCount + label]!;
    rows[row] = sum / total;
  }
  return weightedMean(rows);
}

/** Brier score of one label: the mean of (p − y)² (Brier 1950). `undefined` without rows. */
export function brierScore(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  return prepareBrierScore({ scores: probabilities, labels })();
}

/** `brierScore` for many bootstrap rounds. */
export function prepareBrierScore(sample: Sample): Statistic {
  checkProbabilities(sample);
  return weightedMean(Float64Array.from(sample.scores, (probability, row) => (probability - sample.labels[row]!) ** 2));
}

function lossesOf(sample: Sample): Float64Array {
  checkProbabilities(sample);
  return Float64Array.from(sample.scores, (probability, row) => {
    const clipped = Math.min(Math.max(probability, probabilityFloor), 1 - probabilityFloor);
    return -Math.log(sample.labels[row] === 1 ? clipped : 1 - clipped);
  });
}

function checkProbabilities(sample: Sample): void {
  checkSample(sample);
  for (let row = 0; row < sample.scores.length; row++) {
    const probability = sample.scores[row]!;
    if (probability < 0 || probability > 1) throw new Error(`probability ${probability} in row ${row}`);
  }
}

/** Σ count · value / Σ count; `undefined` where nothing counts. */
function weightedMean(values: Float64Array): Statistic {
  return (counts) => {
    let sum = 0;
    let rows = 0;
    for (let row = 0; row < values.length; row++) {
      const count = counts === undefined ? 1 : counts[row]!;
      sum += count * values[row]!;
      rows += count;
    }
    return rows > 0 ? sum / rows : undefined;
  };
}
