import { shellWord } from "../../base/index.ts";
import { type Evaluation, evaluateRun, evaluationFiles, evaluationTable } from "../../evaluation/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { show } from "../output.ts";

/** Flags of `ichor evaluate`. */
export interface EvaluateFlags extends CommonFlags {
  readonly run: string;
  readonly data?: string;
  readonly provider: string;
  readonly split: "train" | "validation" | "test";
}

/** `ichor evaluate`. */
export async function runEvaluate(this: Context, flags: EvaluateFlags): Promise<void> {
  const { run, data, split, threads, provider } = flags;
  const { progress, signal } = this;
  const evaluated = await evaluateRun({ run, data, split, threads, provider, progress, signal });
  show(this, evaluated, { flags, text: (evaluation) => evaluationText(evaluation, run) });
}

function evaluationText(evaluation: Evaluation, run: string): string {
  const files = evaluationFiles(run, evaluation.provenance);
  return [
    evaluationTable(evaluation),
    `\nWritten: ${Object.values(files).join(", ")}\n`,
    `Next: ichor predict FOLDER --model ${shellWord(`${run}/model.onnx`)} --out found\n`,
  ].join("");
}
