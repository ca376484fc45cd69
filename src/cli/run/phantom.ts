import { shellWord } from "../../base/index.ts";
import { labels } from "../../labels/index.ts";
import { makePhantom, type PhantomSummary } from "../../phantom/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { columns, show } from "../output.ts";

/** Flags of `ichor phantom`. */
export interface PhantomFlags extends CommonFlags {
  readonly out: string;
  readonly studies: number;
  readonly seed: number;
  readonly matrix: number;
  readonly slices?: number;
  readonly testStudies: number;
}

/** `ichor phantom`. */
export async function runPhantom(this: Context, flags: PhantomFlags): Promise<void> {
  const { out, studies, seed, matrix, slices, testStudies, threads } = flags;
  const { progress, signal } = this;
  const size = slices === undefined ? {} : { slices };
  const made = await makePhantom({ out, studies, seed, matrix, ...size, testStudies, threads, progress, signal });
  show(this, made, { flags, text: phantomText });
}

function phantomText({ out, studies, slices, testSlices, positives }: PhantomSummary): string {
  return [
    `${studies} simulated studies in ${out}: ${slices} slices, ${positives.any} of them with a bleed; `,
    `${testSlices} more without labels.\n\n`,
    columns([["positive", "slices"], ...labels.map((label) => [label, `${positives[label]}`])]),
    `\nNext: ichor index ${shellWord(out)} --out ${shellWord(`${out}-index`)}\n`,
  ].join("");
}
