import type { Estimate, Evaluation, Figure } from "../../evaluation/index.ts";
import { labels } from "../../labels/index.ts";
import type { FreshStudy } from "../../report/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { columns, show } from "../output.ts";
import { inWords } from "../progress.ts";
import { nextSteps, type Story, tellStory } from "./demo-story.ts";

/** Flags of `ichor demo`. */
export interface DemoFlags extends CommonFlags {
  readonly out: string;
}

/** `ichor demo`. */
export async function runDemo(this: Context, flags: DemoFlags): Promise<void> {
  const { progress, signal } = this;
  const told = await tellStory(flags.out, { threads: flags.threads, progress, signal });
  show(this, told, { flags, text: storyText });
}

/** The story for the screen: the figures beside their baselines, the fresh studies, the page, what to run next. */
function storyText({ places, evaluation, fresh, seconds, work }: Story): string {
  const { patients, studies, scored } = evaluation.counts;
  const opening =
    work === "told"
      ? "A small network has learned from simulated heads."
      : `The demo in ${places.out} is finished; nothing was left to do.`;
  return [
    `\n${opening} On ${patients} simulated patients it had not learned from\n(${studies} studies, ${scored} slices):\n\n`,
    figureTable(evaluation),
    "\nIn brackets: 95 % interval over patients. * better than the brain area (share of the slice between 0 and 80 HU),\n",
    "for log loss than prevalence, with the whole interval of the difference. Prevalence says of each case how frequent\n",
    "the label is, nothing says 0. One patient with a type is no proof of that type.\n",
    `\n${verdict(evaluation)}\n`,
    `\nFresh studies, simulated from another seed after the training:\n\n${freshTable(fresh)}`,
    `\nPictures: ${places.summary}\nAll of it stands in ${places.out}; it took ${inWords(seconds * 1000)}.\n`,
    "Simulated bleeds prove nothing about patients, and Ichor is not a medical device.\n\nWhat to run next\n",
    ...nextSteps(places).map(({ what, command }) => `${what}\n${command.replace(/^/gm, "  ")}\n`),
  ].join("");
}

function figureTable({ slice, study }: Evaluation): string {
  const { sensitivity, specificity, threshold } = slice.labels.any.operatingPoint;
  const rows: readonly (readonly [string, Figure])[] = [
    ["ROC AUC by study, any", study.labels.any.rocAuc],
    ["ROC AUC by slice, any", slice.labels.any.rocAuc],
    ...labels.filter((label) => label !== "any").map((label) => [`  ${label}`, slice.labels[label].rocAuc] as const),
    ["log loss by slice, weighted", slice.weightedLogLoss],
    [`sensitivity by slice, any ≥ ${threshold.toFixed(2)}`, sensitivity],
    [`specificity by slice, any ≥ ${threshold.toFixed(2)}`, specificity],
  ];
  const head = ["", "positive (pat.)", "detector", "brain area", "prevalence", "nothing"];
  return columns([head, ...rows.map(([name, figure]) => figureCells(name, figure))]);
}

function figureCells(name: string, { n, positives, positivePatients, detector, baselines, gain }: Figure): string[] {
  const star = gain.interval !== undefined && gain.interval.low > 0 ? " *" : "";
  return [
    name,
    `${positives} of ${n} (${positivePatients})`,
    estimated(detector) + star,
    baselines.brainArea === undefined ? "–" : estimated(baselines.brainArea),
    three(baselines.prevalence.value),
    three(baselines.nothing.value),
  ];
}

/** What an AUC means, for those who meet one for the first time. */
function verdict({ study }: Evaluation): string {
  const { detector, baselines } = study.labels.any.rocAuc;
  if (detector.value === undefined) return "The unseen studies all have bleeds, or none has: there is nothing to rank.";
  return (
    "Of two studies, one with a bleed and one without, the detector ranks the right one higher in " +
    `${percent(detector.value)} of all pairs,\nthe brain area alone in ${percent(baselines.brainArea?.value ?? 0.5)}, a coin in 50 %.`
  );
}

function freshTable(studies: readonly FreshStudy[]): string {
  const rows = studies.map(({ study, probabilities, called, truth = [] }) => [
    study,
    probabilities.any.toFixed(2),
    called.includes("any") ? "hemorrhage" : "no hemorrhage",
    truth.length === 0 ? "no hemorrhage" : truth.filter((label) => label !== "any").join(", "),
  ]);
  return columns([["study", "any", "detector says", "in it"], ...rows]);
}

function estimated({ value, interval }: Estimate): string {
  if (value === undefined) return "–";
  return interval === undefined ? three(value) : `${three(value)} (${three(interval.low)}–${three(interval.high)})`;
}

function three(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
