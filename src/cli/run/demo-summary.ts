import { readFileSync } from "node:fs";
import { fileResult, type LedgerSummary, ok, type Result } from "../../base/index.ts";
import type { Evaluation } from "../../evaluation/index.ts";
import { type Label, labels, parseLabelId } from "../../labels/index.ts";
import { type ModelRow, models, openDetector } from "../../models/index.ts";
import type { FreshStudy, NamedValue, NextStep, Summary } from "../../report/index.ts";
import { openRunData, type Run, readMetricsLog, type Work } from "../../training/index.ts";
import { inWords } from "../progress.ts";
import { exampleSlices } from "./example-slices.ts";
import { readFindings } from "./study-lines.ts";

/** What the page of a demo is made from. */
export interface DemoSources {
  readonly run: Run;
  readonly ledger: LedgerSummary;
  readonly evaluation: Evaluation;
  /** `findings.json` of the fresh studies, and their label table. */
  readonly findings: string;
  readonly freshLabels: string;
  readonly next: readonly NextStep[];
  readonly work: Work;
}

/** Gathers what the page of a demo says. Problems: those of its files, "interrupted". */
export async function demoSummary(sources: DemoSources): Promise<Result<Summary>> {
  const { run, ledger, evaluation, next } = sources;
  const lines = readMetricsLog(run.paths.metrics);
  if (lines.kind === "problem") return lines;
  const fresh = freshStudies(sources);
  if (fresh.kind === "problem") return fresh;
  const examples = await examplesOf(sources);
  if (examples.kind === "problem") return examples;
  const { folds, result } = run.info;
  if (folds === undefined || result === undefined) throw new Error(`${run.dir} is finished without a result`);
  const row: ModelRow = models[run.config.model];
  return ok({
    title: "Ichor's demo: the whole story on simulated heads",
    lead: [
      "Ichor learns to detect bleeding inside the skull (intracranial hemorrhage) on head CT. For this page it simulated " +
        "studies with and without bleeds, wrote them as DICOM in the layout of the RSNA 2019 competition, indexed them, " +
        "split them by patient, trained a small network on one part, kept the epoch that did best on a second, and judged " +
        "it on a third that it had not learned from.",
    ],
    origin: "simulated",
    data: { files: ledger, folds },
    network: {
      description: `${run.config.model}: ${row.summary}.`,
      settings: settingsOf(run, result),
      curve: { epochs: lines.value.filter(({ kind }) => kind === "epoch"), bestEpoch: result.bestEpoch },
    },
    evaluation,
    examples: examples.value,
    fresh: {
      description: "Simulated from another seed after the training, and given to the detector as files without labels.",
      studies: fresh.value,
    },
    next,
    provenance: provenanceOf(sources),
  });
}

async function examplesOf({ run, evaluation, work }: DemoSources) {
  const detector = await openDetector(run.paths.model, { threads: work.threads });
  if (detector.kind === "problem") return detector;
  try {
    const data = await openRunData(run, work);
    if (data.kind === "problem") return data;
    try {
      const rows = data.value.rows[evaluation.provenance.fold];
      return await exampleSlices({ data: data.value, detector: detector.value, rows, signal: work.signal });
    } finally {
      data.value.cache.close();
    }
  } finally {
    await detector.value.close();
  }
}

function settingsOf({ config }: Run, result: NonNullable<Run["info"]["result"]>): readonly NamedValue[] {
  const { preprocessing, augmentation, schedule } = config;
  const { fieldOfViewMm, size } = preprocessing;
  const view = fieldOfViewMm === "image" ? "the whole image" : `${fieldOfViewMm} mm`;
  const changes =
    augmentation === "none"
      ? "none"
      : `mirrored in ${100 * augmentation.flip} %, turned up to ${augmentation.rotateDegrees}°, scaled up to ` +
        `${Math.round(100 * augmentation.scale)} %, shifted up to ${augmentation.shiftPixels} pixels`;
  return [
    { name: "input", value: `${config.neighbours} neighbouring slices, ${size} × ${size}, showing ${view}` },
    { name: "optimiser", value: `${config.optimiser}, learning rate ${config.learningRate} (${schedule})` },
    { name: "batch", value: `${config.batchSize} slices` },
    { name: "augmentation", value: changes },
    { name: "epochs", value: `${result.epochs}, the best is epoch ${result.bestEpoch}` },
    { name: "time", value: inWords(result.seconds * 1000) },
  ];
}

function provenanceOf({ run, evaluation }: DemoSources): readonly NamedValue[] {
  const { detector, data, split, bootstrap, command } = evaluation.provenance;
  const start = run.info.starts.at(-1);
  const begun = start === undefined ? [] : startOf(start);
  return [
    { name: "detector (SHA-256)", value: detector },
    { name: "data (index)", value: data },
    { name: "split", value: split },
    { name: "seeds", value: `training ${run.config.seed}, split ${run.split.seed}, bootstrap ${bootstrap.seed}` },
    ...begun,
    { name: "evaluated by", value: command },
  ];
}

function startOf({ versions, machine, threads, form }: Run["info"]["starts"][number]): readonly NamedValue[] {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { processor, platform, cores } = machine;
  return [
    { name: "versions", value: named.join(", ") },
    { name: "machine", value: `${processor}, ${cores} cores, ${platform}; ${threads} threads, training step ${form}` },
  ];
}

/** What the detector said of each fresh study, beside what is in it. */
function freshStudies({ findings, freshLabels }: DemoSources): Result<readonly FreshStudy[]> {
  const read = readFindings(findings);
  if (read.kind === "problem") return read;
  const truth = positivesOf(freshLabels);
  if (truth.kind === "problem") return truth;
  const studies = read.value.studies.flatMap((study): FreshStudy[] => {
    if (study.status !== "analysed") return [];
    const held = new Set(study.slices.flatMap(({ sliceId }) => truth.value.get(sliceId) ?? []));
    return [
      {
        study: study.study,
        slices: study.slices.length,
        probabilities: study.probabilities,
        called: labels.filter((label) => study.decisions[label] === "positive"),
        truth: labels.filter((label) => held.has(label)),
      },
    ];
  });
  return ok(studies);
}

/** Slice → its positive labels, of a label table that Ichor wrote itself. */
function positivesOf(path: string): Result<ReadonlyMap<string, readonly Label[]>> {
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const positives = new Map<string, Label[]>();
  for (const line of text.value.trimEnd().split("\n").slice(1)) {
    const [id = "", value] = line.split(",");
    const parsed = parseLabelId(id);
    if (parsed === undefined || Number(value) < 0.5) continue;
    positives.set(parsed.sliceId, [...(positives.get(parsed.sliceId) ?? []), parsed.label]);
  }
  return ok(positives);
}
