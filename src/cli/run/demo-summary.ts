import { ok, type Progress, type Result } from "../../base/index.ts";
import { stackNeighbours } from "../../ct/index.ts";
import type { DetectionSummary } from "../../detection/index.ts";
import type { Evaluation } from "../../evaluation/index.ts";
import { anyIndex, type Fold, folds, type Label, labelCount, labels } from "../../labels/index.ts";
import { type Detector, openDetector } from "../../models/index.ts";
import type { ExampleSlice, FreshStudy, Summary } from "../../report/index.ts";
import { openRunData, type Run, type RunData, readMetricsLog, scoreRows } from "../../training/index.ts";

/** What the story's page is made from. */
export interface SummarySources {
  readonly run: Run;
  readonly evaluation: Evaluation;
  readonly detection: DetectionSummary;
  /** Positive labels of the fresh studies, by study. */
  readonly truth: ReadonlyMap<string, readonly Label[]>;
  readonly files: Summary["data"]["files"];
  readonly work: { readonly threads: number; readonly progress: Progress; readonly signal: AbortSignal };
}

/** The page of the demo: what was made, how it went, what it shows. */
export async function demoSummary(sources: SummarySources): Promise<Result<Summary>> {
  const { run, evaluation, work } = sources;
  const log = readMetricsLog(run.paths.metrics);
  if (log.kind === "problem") return log;
  const data = await openRunData(run, work);
  if (data.kind === "problem") return data;
  const detector = await openDetector(run.paths.model, { threads: work.threads });
  if (detector.kind === "problem") return detector;
  const examples = await pickExamples(detector.value, data.value, work.signal);
  await detector.value.close();
  data.value.cache.close();
  if (examples.kind === "problem") return examples;
  const epochs = log.value.filter(({ kind }) => kind === "epoch");
  const { config, info } = run;
  return ok({
    title: "Ichor: the whole story on simulated heads",
    lead: [
      "Simulated head CT studies, with and without bleeds, were written as DICOM, indexed, and split by patient. A small network learned from one part, chose its best epoch on a second, and is judged here on a third that it has never seen.",
      "The heads are drawn, not scanned: what is found here says that the machinery works, and nothing about patients.",
    ],
    origin: "simulated",
    data: { files: sources.files, folds: foldCounts(run) },
    network: {
      description: `A small plain CNN on HU: ${config.neighbours} neighbouring slices of ${config.preprocessing.size}×${config.preprocessing.size}, each through windows that are its first layer; the mean of its evidence map of a label is the label's logit.`,
      settings: [
        { name: "epochs", value: String(config.epochs) },
        { name: "slices a step", value: String(config.batchSize) },
        { name: "seconds of training", value: String(Math.round(info.result?.seconds ?? 0)) },
        { name: "engine", value: info.starts.at(-1)?.form ?? "" },
      ],
      curve: { epochs, bestEpoch: info.result?.bestEpoch ?? 0 },
    },
    evaluation,
    examples: examples.value,
    fresh: {
      description: "Studies of other patients, simulated from another seed after the training; they were in no index.",
      studies: freshStudies(sources),
    },
    next: nextSteps(),
    provenance: provenanceOf(run),
  });
}

function foldCounts({ info }: Run): Summary["data"]["folds"] {
  const none = {
    patients: 0,
    slices: 0,
    positives: Object.fromEntries(labels.map((label) => [label, 0])) as Record<Label, number>,
  };
  return Object.fromEntries(folds.map((fold) => [fold, info.folds?.[fold] ?? none])) as Summary["data"]["folds"] &
    Record<Fold, unknown>;
}

function freshStudies({ detection, truth }: SummarySources): FreshStudy[] {
  return detection.studies.flatMap((line) => {
    if (line.status !== "analysed") return [];
    const called = labels.filter((label) => line.decisions[label] === "positive");
    return [
      {
        study: line.study,
        slices: line.slices,
        probabilities: line.probabilities,
        called,
        truth: truth.get(line.study) ?? [],
      },
    ];
  });
}

const nextSteps = (): Summary["next"] => [
  {
    what: "Index your own DICOM folder, with a label table (ID,Label) in it or named by --labels",
    command: "ichor index DICOM_FOLDER --out work/index",
  },
  { what: "Train on it", command: "ichor train --data work/index --run runs/first" },
  { what: "Score the run on patients it has not seen", command: "ichor evaluate --run runs/first" },
  { what: "Detect in new studies", command: "ichor predict STUDY --model runs/first/model.onnx --out work/found" },
];

function provenanceOf({ info, config, split }: Run): Summary["provenance"] {
  const start = info.starts.at(-1);
  return [
    { name: "detector (SHA-256)", value: info.result?.modelHash ?? "" },
    { name: "data (hash of the index)", value: info.data.hash ?? "" },
    { name: "split (hash)", value: split.hash },
    { name: "seed", value: String(config.seed) },
    {
      name: "versions",
      value:
        start === undefined
          ? ""
          : Object.entries(start.versions)
              .map(([name, version]) => `${name} ${version}`)
              .join(", "),
    },
    { name: "machine", value: start === undefined ? "" : `${start.machine.processor}, ${start.machine.cores} cores` },
  ];
}

/** So many of each kind are shown. */
const shown = { found: 4, missed: 2, "false alarm": 2 } as const;

/** The surest finds of the test fold, its worst misses and false alarms, each with the map of `any`. */
async function pickExamples(detector: Detector, data: RunData, signal: AbortSignal): Promise<Result<ExampleSlice[]>> {
  const rows = data.rows.test;
  const scored = await scoreRows({ detector, cache: data.cache, table: data.table, rows, signal });
  if (scored.kind === "problem") return scored;
  const probabilities = scored.value;
  const threshold = detector.info.operatingPoints.any;
  const any = (at: number) => probabilities[at * labelCount + anyIndex]!;
  const positive = (at: number) => data.table.labels[rows[at]! * labelCount + anyIndex] === 1;
  const places = Array.from(rows, (_, at) => at);
  const surest = (wanted: (at: number) => boolean, sign: 1 | -1) =>
    onePatientEach(
      data,
      rows,
      places.filter(wanted).sort((a, b) => sign * (any(b) - any(a))),
    );
  const kinds = {
    found: surest((at) => positive(at) && any(at) >= threshold, 1),
    missed: surest((at) => positive(at) && any(at) < threshold, -1),
    "false alarm": surest((at) => !positive(at) && any(at) >= threshold, 1),
  };
  const examples: ExampleSlice[] = [];
  for (const [kind, found] of Object.entries(kinds) as [ExampleSlice["kind"], number[]][]) {
    for (const at of found.slice(0, shown[kind])) {
      const own = probabilities.subarray(at * labelCount, (at + 1) * labelCount);
      examples.push(await example(detector, data, { kind, row: rows[at]!, probabilities: own }));
    }
  }
  return ok(examples);
}

/** The first of each patient, so that neighbours of one bleed do not fill the page. */
function onePatientEach({ table }: RunData, rows: Int32Array, places: readonly number[]): number[] {
  const seen = new Set<string>();
  return places.filter((at) => {
    const patient = table.patients[rows[at]!]!;
    return !seen.has(patient) && seen.add(patient);
  });
}

async function example(
  detector: Detector,
  { table, cache }: RunData,
  {
    kind,
    row,
    probabilities,
  }: { readonly kind: ExampleSlice["kind"]; readonly row: number; readonly probabilities: Float64Array },
): Promise<ExampleSlice> {
  const { size } = detector.info.preprocessing;
  const half = detector.info.neighbours >> 1;
  const neighbours = Array.from({ length: 2 * half + 1 }, (_, index) => row + index - half).map((other) =>
    table.seriesIndex[other] === table.seriesIndex[row] ? cache.read(other) : undefined,
  );
  const { evidence } = await detector.score(stackNeighbours(neighbours, size), 1);
  const [, , height = 0, width = 0] = evidence?.shape ?? [];
  const plane = height * width;
  const map = evidence && {
    data: evidence.data.slice(anyIndex * plane, (anyIndex + 1) * plane),
    rows: height,
    columns: width,
    inputSize: size,
  };
  return {
    kind,
    sliceId: table.sliceIds[row]!,
    hu: cache.read(row),
    size,
    evidence: map,
    probabilities: Object.fromEntries(labels.map((label, index) => [label, probabilities[index]!])) as Record<
      Label,
      number
    >,
    truth: labels.filter((_, index) => table.labels[row * labelCount + index] === 1),
  };
}
