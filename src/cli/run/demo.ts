import { ok } from "../../base/index.ts";
import { evaluationTable } from "../../evaluation/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { show, showProblem } from "../output.ts";
import { inWords } from "../progress.ts";
import { nextSteps, type Story, tellStory } from "./demo-story.ts";
import { studyTable } from "./predict.ts";

/** Flags of `ichor demo`. */
export interface DemoFlags extends CommonFlags {
  readonly out: string;
}

/** `ichor demo`. */
export async function runDemo(this: Context, { out, ...flags }: DemoFlags): Promise<void> {
  const { progress, signal } = this;
  const told = await tellStory(out, { threads: flags.threads, progress, signal });
  if (told.kind === "problem") showProblem(this, told.problem, flags);
  else show(this, ok(told.value), { flags, text: storyText });
}

/** The story for the screen: the figures with their baselines, the fresh studies, the page, and what to run next. */
function storyText(story: Story): string {
  const { places, evaluation, studies, seconds, work } = story;
  const { rocAuc } = evaluation.study.labels.any;
  const figure = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(3));
  const opening =
    work === "told"
      ? "A small network, trained on simulated studies and tried on simulated patients it has not learned from."
      : `The demo in ${places.out} is finished; nothing was left to do. These are its results.`;
  return [
    `\n${opening}\n\n`,
    evaluationTable(evaluation),
    `\nOf two studies, one with a bleed and one without, the detector ranks the right one higher in ${figure(rocAuc.detector.value)} of\n`,
    `all pairs; the brain area alone does so in ${figure(rocAuc.baselines.brainArea?.value)}, a coin in 0.500.\n`,
    `\nFresh studies, simulated with another seed after the training\n${studyTable(studies)}`,
    "* called by the detector\n",
    `\nPictures: ${places.summary}\nAll of it stands in ${places.out}; it took ${inWords(seconds * 1000)}.\n`,
    "\nSimulated bleeds prove nothing about patients, and Ichor is not a medical device.\n\nNext\n",
    ...nextSteps(places).map(({ what, command }) => `${what}\n${command.replace(/^/gm, "  ")}\n`),
  ].join("");
}
