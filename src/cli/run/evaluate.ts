import { evaluateRun, evaluationTable } from "../../evaluation/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { show } from "../output.ts";

/** Flags of `ichor evaluate`. */
export interface EvaluateFlags extends CommonFlags {
  readonly run: string;
  readonly data?: string;
  readonly split: "train" | "validation" | "test";
}

/** `ichor evaluate`. */
export async function runEvaluate(this: Context, flags: EvaluateFlags): Promise<void> {
  const { run, data, split, threads } = flags;
  const { progress, signal } = this;
  const evaluated = await evaluateRun({ run, data, split, threads, progress, signal });
  show(this, evaluated, {
    flags,
    text: (evaluation) =>
      `${evaluationTable(evaluation)}\nWritten into ${run}: predictions and evaluation\n` +
      `Next: ichor predict FOLDER --model ${run}/model.onnx --out found\n`,
  });
}
