import { shellWord } from "../../base/index.ts";
import { buildIndex, type IndexSummary } from "../../dataset/index.ts";
import { labels } from "../../labels/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { columns, counted, show } from "../output.ts";

/** Flags of `ichor index`. */
export interface IndexFlags extends CommonFlags {
  readonly out: string;
  readonly labels?: string;
}

/** `ichor index`. */
export async function runIndex(this: Context, flags: IndexFlags, root: string): Promise<void> {
  const { out, threads } = flags;
  const { progress, signal } = this;
  const table = flags.labels === undefined ? {} : { labels: flags.labels };
  const built = await buildIndex({ root, out, ...table, threads, progress, signal });
  show(this, built, { flags, text: (summary) => indexText(summary, out) });
}

function indexText(summary: IndexSummary, out: string): string {
  const { ledger, parts } = summary;
  const reasons = Object.entries(ledger.reasons).map(([kind, count]) => `  ${kind}: ${count}\n`);
  const remarks = summary.remarks.map(({ kind, count }) => `  ${kind}: ${count}\n`);
  const positives = labels.map((label) => [
    label,
    `${summary.positives[label].slices}`,
    `${summary.positives[label].patients}`,
  ]);
  return [
    `${counted(ledger.found, "file")}: ${ledger.used} used, ${ledger.setAside} set aside, ${ledger.failed} failed\n`,
    ...reasons,
    `${counted(summary.patients, "patient")}, ${counted(summary.studies, "study")}, ${counted(summary.series, "series")}; ` +
      `${parts.train} training slices, ${parts.test} test slices, ${parts[""]} others\n`,
    `${summary.labelled} slices with labels, ${summary.unlabelled} without\n`,
    remarks.length > 0 ? `Unusual, used all the same:\n${remarks.join("")}` : "",
    summary.labelled > 0 ? `\n${columns([["positive", "slices", "patients"], ...positives])}` : "",
    `\nWritten: ${summary.index}, ${summary.ledgerFile}\n`,
    summary.labelled > 0
      ? `Next: ichor train --data ${shellWord(out)} --run runs/first\n`
      : "Nothing to train on without labels: name their table with --labels FILE\n",
  ].join("");
}
