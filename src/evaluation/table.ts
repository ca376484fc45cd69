import { labels } from "../labels/index.ts";
import type { Estimate, Evaluation, Figure, LabelFigures, LevelEvaluation } from "./evaluation.ts";

/**
 * The evaluation for the screen: a line a label, the naive baselines in the columns beside the detector. The operating
 * points of the five types stand in `evaluation.json` alone. Plain text of at most 100 columns, ending in a line break.
 */
export function evaluationTable(evaluation: Evaluation): string {
  const { provenance, slice, study } = evaluation;
  const { bootstrap } = provenance;
  const lines = [
    ...headlines(evaluation),
    "",
    ...levelLines("slice", slice),
    "",
    ...levelLines("study", study),
    "",
    `In brackets: 95 % interval, ${bootstrap.rounds} bootstrap rounds over patients, seed ${bootstrap.seed}.`,
    "In brackets after the positive cases: their patients. No interval where these are fewer than two.",
    "*  better than brain area (log loss: than prevalence): the interval of the difference lies above 0.",
    "brain area: share of the slice between 0 and 80 HU; called where it does best at the detector's",
    "specificity or sensitivity. prevalence: the label's share in the train fold. nothing: 0 for all.",
    `detector ${short(provenance.detector)}, data ${short(provenance.data)}, split ${short(provenance.split)}, ` +
      `training seed ${provenance.trainingSeed}`,
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

type Level = "slice" | "study";

function headlines({ provenance: { fold, model, origin }, counts }: Evaluation): string[] {
  const left = [
    ...(counts.unlabelled > 0 ? [`${plural(counts.unlabelled, "slice")} without labels`] : []),
    ...(counts.unreadable > 0 ? [`${plural(counts.unreadable, "slice")} that cannot be read`] : []),
  ];
  const sizes = [plural(counts.slices, "slice"), plural(counts.studies, "study"), plural(counts.patients, "patient")];
  const where = origin === "other" ? `the ${fold} fold of other data` : `the ${fold} fold`;
  return [`${model} on ${where}: ${sizes.join(", ")}`, ...(left.length > 0 ? [`left out: ${left.join(", ")}`] : [])];
}

function levelLines(level: Level, evaluation: LevelEvaluation): string[] {
  const figures = labels.map((label) => [label, evaluation.labels[label]] as const);
  const block = (title: string, pick: (figures: LabelFigures) => Figure) => [
    title,
    ...figures.map(([label, found]) => figureLine(label, pick(found))),
  ];
  const { threshold, sensitivity, specificity } = evaluation.labels.any.operatingPoint;
  const heading = level === "slice" ? "BY SLICE" : "BY STUDY";
  return [
    columns([heading, "positive (pat.)", "detector", "brain area", "prevalence", "nothing"]),
    ...block("ROC AUC", ({ rocAuc }) => rocAuc),
    ...block("average precision", ({ averagePrecision }) => averagePrecision),
    ...block("log loss, lower is better", ({ logLoss }) => logLoss),
    figureLine("weighted", evaluation.weightedLogLoss),
    `any, called from ${three(threshold)} on`,
    figureLine("sensitivity", sensitivity),
    figureLine("specificity", specificity),
  ];
}

function figureLine(name: string, { n, positives, positivePatients, detector, baselines, gain }: Figure): string {
  const star = gain.interval !== undefined && gain.interval.low > 0 ? " *" : "";
  return columns([
    `  ${name}`,
    `${positives} of ${n} (${positivePatients})`,
    estimated(detector) + star,
    baselines.brainArea === undefined ? "–" : estimated(baselines.brainArea),
    three(baselines.prevalence.value),
    three(baselines.nothing.value),
  ]);
}

const widths = [20, 16, 23, 22, 11, 8]; // 100 in all

function columns(cells: readonly string[]): string {
  return cells.map((cell, at) => `${cell.padEnd(widths[at]! - 1)} `).join("");
}

function estimated({ value, interval }: Estimate): string {
  if (value === undefined) return "–";
  return interval === undefined ? three(value) : `${three(value)} (${three(interval.low)}–${three(interval.high)})`;
}

function three(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(3);
}

function short(hash: string): string {
  return hash.slice(0, 12);
}

function plural(count: number, noun: string): string {
  const many = noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count} ${count === 1 ? noun : many}`;
}
