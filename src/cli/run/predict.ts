import { type DetectionSummary, detect, type StudyLine } from "../../detection/index.ts";
import { labels } from "../../labels/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { columns, show } from "../output.ts";

/** Flags of `ichor predict`. */
export interface PredictFlags extends CommonFlags {
  readonly model: string;
  readonly out: string;
  readonly provider: string;
}

/** So many studies are listed on screen; all of them stand in findings.json. */
const mostLines = 20;

/** `ichor predict`. */
export async function runPredict(this: Context, flags: PredictFlags, ...inputs: readonly string[]): Promise<void> {
  const { model, out, threads, provider } = flags;
  const { progress, signal } = this;
  const found = await detect({ inputs, model, out, threads, provider, progress, signal });
  show(this, found, { flags, text: predictText });
}

function predictText({ studies, ledger, files }: DetectionSummary): string {
  const reasons = Object.entries(ledger.reasons).map(([kind, count]) => `  ${kind}: ${count}\n`);
  return [
    `${ledger.found} files: ${ledger.used} used, ${ledger.setAside} set aside, ${ledger.failed} failed\n`,
    `${reasons.join("")}\n`,
    studyTable(studies),
    studies.length > mostLines ? `… and ${studies.length - mostLines} more in findings.json\n` : "",
    `\nProbabilities by study; * at or above the detector's operating point. Not a medical device.\n`,
    `Written: ${Object.values(files).join(", ")}\n`,
  ].join("");
}

/** A line a study: its probabilities, marked where they are called. */
export function studyTable(studies: readonly StudyLine[]): string {
  const rows = studies.slice(0, mostLines).map((line) => {
    if (line.status === "not analysed") return [line.study, `not analysed: ${line.reason}`];
    const cells = labels.map(
      (label) => `${line.probabilities[label].toFixed(2)}${line.decisions[label] === "positive" ? "*" : " "}`,
    );
    return [line.study, `${line.slices}`, ...cells];
  });
  return columns([["study", "slices", ...labels], ...rows]);
}
