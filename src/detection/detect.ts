import { statSync } from "node:fs";
import { join } from "node:path";
import { fail, type LedgerSummary, ok, type Problem, type Progress, type Result } from "../base/index.ts";
import type { Label } from "../labels/index.ts";
import { fileResult } from "../machine/index.ts";
import { type Detector, openDetector } from "../models/index.ts";
import { analyseStudies } from "./analyse.ts";
import { chooseInStudies } from "./choose.ts";
import { type Draft, type OutputName, openDraft, outputNames } from "./draft.ts";
import type { StudyFinding } from "./findings.ts";
import { openFindings } from "./findings-writer.ts";
import { openLedger } from "./ledger.ts";
import { surveySlices } from "./survey.ts";

/** What to detect on, with what, and where to. */
export interface DetectOptions {
  /** Folders of any depth, single files, or a mix; labels are not looked at. */
  readonly inputs: readonly string[];
  /** Path of a detector file. */
  readonly model: string;
  /** Output folder: missing, empty, or holding an earlier detection, which is replaced. */
  readonly out: string;
  readonly threads: number;
  /** What runs the detector, a row of `executors`; "cpu" unless named. */
  readonly provider?: string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A study in one line; all that is said of it stands in `findings.json`. */
export type StudyLine =
  | {
      readonly status: "analysed";
      readonly study: string;
      readonly slices: number;
      readonly probabilities: Readonly<Record<Label, number>>;
      readonly decisions: Readonly<Record<Label, "positive" | "negative">>;
    }
  | { readonly status: "not analysed"; readonly study: string; readonly reason: string };

/** What a detection did. */
export interface DetectionSummary {
  readonly detector: { readonly hash: string; readonly model: string };
  readonly studies: readonly StudyLine[];
  readonly ledger: LedgerSummary;
  /** Paths of the files that were written, by name. */
  readonly files: Readonly<Record<OutputName, string>>;
}

/**
 * Detects hemorrhage in the head CT series of every study under the inputs and writes `predictions.csv` (competition
 * format), `findings.json` and `ledger.csv`; all three or none. Memory does not grow with the slices but for some 500 bytes each.
 * Problems: an input that is not there, "no CT slices", the detector's (openDetector), the output folder's (openDraft),
 * "interrupted".
 */
export async function detect(options: DetectOptions): Promise<Result<DetectionSummary>> {
  for (const input of options.inputs) {
    const there = fileResult(input, () => statSync(input));
    if (there.kind === "problem") return there;
  }
  const detector = await openDetector(options.model, { threads: options.threads, provider: options.provider });
  if (detector.kind === "problem") return detector;
  try {
    return await detectWith(detector.value, options);
  } finally {
    await detector.value.close();
  }
}

/** `detect` with a detector that is open already. */
export async function detectWith(
  detector: Pick<Detector, "info" | "hash" | "score">,
  options: Omit<DetectOptions, "model">,
): Promise<Result<DetectionSummary>> {
  const opened = openDraft(options.out);
  if (opened.kind === "problem") return opened;
  const draft = opened.value;
  let published = false;
  try {
    const written = await writeDraft(detector, draft, options);
    if (written.kind === "problem") return written;
    const named = draft.publish();
    published = true; // or discarded by itself
    return named.kind === "problem" ? named : written;
  } finally {
    if (!published) draft.discard();
  }
}

async function writeDraft(
  detector: Pick<Detector, "info" | "hash" | "score">,
  draft: Draft,
  options: Omit<DetectOptions, "model">,
): Promise<Result<DetectionSummary>> {
  const ledger = openLedger(draft);
  const { modality } = detector.info.scope;
  const studies = await surveySlices({ ...options, modality, ledger });
  if (studies.kind === "problem") return studies;
  if (studies.value.length === 0) return fail(noSlices(options.inputs, ledger.summary()));
  const findings = openFindings(draft, detector);
  const lines: StudyLine[] = [];
  const onStudy = (finding: StudyFinding) => lines.push(lineOf(finding));
  const chosen = await chooseInStudies(studies.value, options.signal);
  if (chosen.kind === "problem") return chosen;
  const analysed = await analyseStudies(chosen.value, { ...options, detector, draft, ledger, findings, onStudy });
  if (analysed.kind === "problem") return analysed;
  findings.end(ledger);
  const files = Object.fromEntries(outputNames.map((name) => [name, join(options.out, name)]));
  return ok({
    detector: { hash: detector.hash, model: detector.info.model },
    studies: lines,
    ledger: ledger.summary(),
    files: files as Record<OutputName, string>,
  });
}

function lineOf(finding: StudyFinding): StudyLine {
  const { status, study } = finding;
  if (status === "not analysed") return { status, study, reason: finding.reason };
  const { slices, probabilities, decisions } = finding;
  return { status, study, slices: slices.length, probabilities, decisions };
}

function noSlices(inputs: readonly string[], { found, reasons }: LedgerSummary): Problem {
  const seen = Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`);
  return {
    kind: "no CT slices",
    where: inputs.join(", "),
    got: found === 0 ? "no files" : `${found} ${found === 1 ? "file" : "files"}: ${seen.join(", ")}`,
    expected: "at least one readable CT slice (DICOM, any file name)",
    next: "name a folder or file with CT slices",
  };
}
