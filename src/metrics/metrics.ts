import { prepareBrierScore, prepareLogLoss, prepareWeightedLogLoss } from "./losses.ts";
import type { Metric } from "./metric.ts";
import { prepareAveragePrecision, prepareRocAuc } from "./ranking.ts";

/** The metrics that need no threshold. To add one: a row here, its function, a naive second witness in the test. */
export const metrics = {
  rocAuc: {
    summary: "area under the ROC curve: how often a positive scores above a negative",
    better: "higher",
    takes: "one label",
    prepare: prepareRocAuc,
  },
  averagePrecision: {
    summary: "area under the precision-recall curve; the share of positives for a score that knows nothing",
    better: "higher",
    takes: "one label",
    prepare: prepareAveragePrecision,
  },
  logLoss: {
    summary: "mean natural log loss of one label, probabilities clipped at 1e-15",
    better: "lower",
    takes: "one label",
    prepare: prepareLogLoss,
  },
  brierScore: {
    summary: "mean squared distance of the probability from the truth",
    better: "lower",
    takes: "one label",
    prepare: prepareBrierScore,
  },
  weightedLogLoss: {
    summary: "the competition's metric: log loss over the six labels, any counted twice",
    better: "lower",
    takes: "six labels",
    prepare: prepareWeightedLogLoss,
  },
} as const satisfies Readonly<Record<string, Metric>>;

/** Name of a metric in the table. */
export type MetricName = keyof typeof metrics;
