import { type LedgerSummary, ok, type Result } from "../../base/index.ts";
import { type Evaluation, prevalenceOf } from "../../evaluation/index.ts";
import { type Fold, labelCount } from "../../labels/index.ts";
import { weightedLogLoss } from "../../metrics/index.ts";
import { type ModelRow, models, openDetector } from "../../models/index.ts";
import type { ExampleSlice, FreshStudy, NamedValue, NextStep, Summary } from "../../report/index.ts";
import { openRunData, type Run, type RunData, readMetricsLog, type Work } from "../../training/index.ts";
import { inWords } from "../progress.ts";
import { exampleSlices } from "./example-slices.ts";

/** What the page of a demo is made from. */
export interface DemoSources {
  readonly run: Run;
  readonly ledger: LedgerSummary;
  readonly evaluation: Evaluation;
  readonly fresh: readonly FreshStudy[];
  readonly next: readonly NextStep[];
  readonly work: Work;
}

/** Gathers what the page of a demo says. Problems: those of its files, "interrupted". */
export async function demoSummary(sources: DemoSources): Promise<Result<Summary>> {
  const { run, ledger, evaluation, fresh, next } = sources;
  const lines = readMetricsLog(run.paths.metrics);
  if (lines.kind === "problem") return lines;
  const slices = await lookAtSlices(sources);
  if (slices.kind === "problem") return slices;
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
      curve: {
        epochs: lines.value.filter(({ kind }) => kind === "epoch"),
        bestEpoch: result.bestEpoch,
        prevalenceLoss: slices.value.prevalenceLoss,
      },
    },
    evaluation,
    examples: slices.value.examples,
    fresh: {
      description: "Simulated from another seed after the training, and given to the detector as files without labels.",
      studies: fresh,
    },
    next,
    provenance: provenanceOf(sources),
  });
}

interface Seen {
  readonly examples: readonly ExampleSlice[];
  readonly prevalenceLoss: number | undefined;
}

/** What takes the slices themselves and not only what was written of them. */
async function lookAtSlices({ run, evaluation, work }: DemoSources): Promise<Result<Seen>> {
  const detector = await openDetector(run.paths.model, { threads: work.threads });
  if (detector.kind === "problem") return detector;
  try {
    const data = await openRunData(run, work);
    if (data.kind === "problem") return data;
    try {
      const rows = data.value.rows[evaluation.provenance.fold];
      const source = { data: data.value, detector: detector.value, rows, signal: work.signal };
      const examples = await exampleSlices(source);
      if (examples.kind === "problem") return examples;
      return ok({ examples: examples.value, prevalenceLoss: prevalenceLoss(data.value) });
    } finally {
      data.value.cache.close();
    }
  } finally {
    await detector.value.close();
  }
}

/** The weighted log loss of saying of every validation slice how frequent each label is in the train fold. */
function prevalenceLoss({ table, rows }: RunData): number | undefined {
  const labelsOf = (fold: Fold) =>
    Array.from(rows[fold]).flatMap((row) => [...table.labels.subarray(row * labelCount, (row + 1) * labelCount)]);
  const cases = (names: readonly string[]) => Array.from(rows.train, (row) => names[row]!);
  const { slice } = prevalenceOf({
    labels: labelsOf("train"),
    patients: cases(table.patients),
    studies: cases(table.studies),
  });
  const truth = labelsOf("validation").map((label) => (label >= 0.5 ? 1 : 0));
  return weightedLogLoss(
    truth.map((_, at) => slice[at % labelCount]!),
    truth,
  );
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
