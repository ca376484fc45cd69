export { type BootstrapOptions, bootstrapRounds, clusterBootstrap, type Interval } from "./bootstrap.ts";
export {
  type Confusion,
  confusionAt,
  sensitivity,
  sensitivityAt,
  specificity,
  specificityAt,
} from "./confusion.ts";
export { brierScore, logLoss, probabilityFloor, weightedLogLoss } from "./losses.ts";
export { type Metric, remembered, type Sample, type Statistic } from "./metric.ts";
export { type MetricName, metrics } from "./metrics.ts";
export { averagePrecision, type RocPoint, rocAuc, rocCurve, youdenThreshold } from "./ranking.ts";
