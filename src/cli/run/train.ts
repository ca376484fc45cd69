import { ok, shellWord } from "../../base/index.ts";
import { type ConfigSources, type RunSummary, resolveConfig, train } from "../../training/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { columns, show, showProblem } from "../output.ts";
import { inWords } from "../progress.ts";

/** Flags of `ichor train`. */
export interface TrainFlags extends CommonFlags {
  readonly data: string;
  readonly run: string;
  readonly model?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly provider: string;
  readonly resume: boolean;
}

/** `ichor train`. */
export async function runTrain(this: Context, flags: TrainFlags): Promise<void> {
  const { data, run, threads, provider } = flags;
  const { progress, signal } = this;
  const asked = flags.model !== undefined || flags.config !== undefined || flags.set !== undefined;
  const sources: ConfigSources = {
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.config === undefined ? {} : { file: flags.config }),
    ...(flags.set === undefined ? {} : { sets: flags.set }),
  };
  // A resumed run has its configuration already; one that is named anyway must be the same, which train checks.
  const config = flags.resume && !asked ? ok(undefined) : resolveConfig(sources);
  if (config.kind === "problem") return showProblem(this, config.problem, flags);
  const resume = flags.resume ? "resume" : "new";
  const trained = await train({ data, run, config: config.value, resume, threads, provider, progress, signal });
  show(this, trained, { flags, text: trainText });
}

function trainText({ run, work, model, result, folds, config, notes }: RunSummary): string {
  const parts = Object.entries(folds).map(([fold, { patients, slices, positives }]) => [
    fold,
    `${patients}`,
    `${slices}`,
    `${positives.any}`,
  ]);
  return [
    work === "trained" ? `Trained ${config.model} in ${run}\n` : `${run} was finished; nothing was left to do\n`,
    `\n${columns([["fold", "patients", "slices", "positive slices"], ...parts])}\n`,
    resultText(result),
    ...notes.map((note) => `Note: ${note}\n`),
    `\nWritten: ${model}\nNext: ichor evaluate --run ${shellWord(run)}\n`,
  ].join("");
}

function resultText({ bestEpoch, epochs, seconds, ...result }: RunSummary["result"]): string {
  const figures = [
    ["weighted log loss", result.validationLoss],
    ["ROC AUC of any by slice", result.validationAucAny],
  ] as const;
  const known = figures.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value.toFixed(3)}`]));
  return [
    `The best of ${epochs} epochs is epoch ${bestEpoch}; trained in ${inWords(seconds * 1000)}.\n`,
    known.length > 0
      ? `On the validation fold: ${known.join(", ")}.\n`
      : "The validation fold cannot tell how good it is.\n",
    `any is called from a probability of ${result.operatingPoints.any.toFixed(3)} on.\n`,
  ].join("");
}
