import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fail, fileResult, ok, type Result, writeFileAtomic } from "../../base/index.ts";
import { readSliceHeader } from "../../ct/index.ts";
import { buildIndex } from "../../dataset/index.ts";
import { type DetectionSummary, detect } from "../../detection/index.ts";
import { type Evaluation, evaluateRun, evaluationTable } from "../../evaluation/index.ts";
import { type Label, labels, parseLabelId } from "../../labels/index.ts";
import { makePhantom } from "../../phantom/index.ts";
import { writeSummary } from "../../report/index.ts";
import { type RunSummary, readRun, resolveConfig, train } from "../../training/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { show } from "../output.ts";
import { inWords } from "../progress.ts";
import { demoSummary } from "./demo-summary.ts";
import { studyTable } from "./predict.ts";

/** Flags of `ichor demo`. */
export interface DemoFlags extends CommonFlags {
  readonly out: string;
}

/** Sized so that the whole story takes two cores less than five minutes. */
const story = {
  studies: 60,
  matrix: 256,
  seed: 2019,
  fresh: { studies: 4, seed: 2020 },
  sets: ["epochs=10"],
} as const;

/** Says that a folder is the demo's own, so that it may go on in it and clear away what it left half made. */
const marker = "ichor-demo.json";

/** Where the parts of the story stand. */
interface Places {
  readonly out: string;
  readonly data: string;
  readonly index: string;
  readonly run: string;
  readonly fresh: string;
  readonly found: string;
  readonly summary: string;
}

/** What the story came to. */
interface Story {
  readonly places: Places;
  readonly trained: RunSummary;
  readonly evaluation: Evaluation;
  readonly detection: DetectionSummary;
  readonly seconds: number;
}

/** `ichor demo`. */
export async function runDemo(this: Context, flags: DemoFlags): Promise<void> {
  const told = await tell(this, flags);
  show(this, told, { flags, text: storyText });
}

async function tell(context: Context, flags: DemoFlags): Promise<Result<Story>> {
  const begun = performance.now();
  const places = placesIn(flags.out);
  const opened = openFolder(places.out);
  if (opened.kind === "problem") return opened;
  const work = { threads: flags.threads, progress: context.progress, signal: context.signal };

  const data = await phantoms(places.data, { studies: story.studies, seed: story.seed, work });
  if (data.kind === "problem") return data;
  if (!existsSync(join(places.index, "index.parquet"))) {
    const index = await buildIndex({ root: places.data, out: places.index, ...work });
    if (index.kind === "problem") return index;
  }
  const trained = await trainStory(places, work);
  if (trained.kind === "problem") return trained;
  const evaluated = await evaluateRun({ run: places.run, split: "test", ...work });
  if (evaluated.kind === "problem") return evaluated;
  const fresh = await phantoms(places.fresh, { ...story.fresh, work });
  if (fresh.kind === "problem") return fresh;
  const inputs = [join(places.fresh, "stage_2_train")];
  const detected = await detect({ inputs, model: trained.value.model, out: places.found, ...work });
  if (detected.kind === "problem") return detected;

  const run = readRun(places.run);
  if (run.kind === "problem") return run;
  const summary = await demoSummary({
    run: run.value,
    evaluation: evaluated.value,
    detection: detected.value,
    truth: studyTruth(places.fresh),
    files: ledgerSums(places.index),
    work,
  });
  if (summary.kind === "problem") return summary;
  const written = writeFileAtomic(places.summary, await writeSummary(summary.value));
  if (written.kind === "problem") return written;
  const seconds = (performance.now() - begun) / 1000;
  return ok({ places, trained: trained.value, evaluation: evaluated.value, detection: detected.value, seconds });
}

function placesIn(out: string): Places {
  return {
    out,
    data: join(out, "phantoms"),
    index: join(out, "index"),
    run: join(out, "run"),
    fresh: join(out, "fresh"),
    found: join(out, "found"),
    summary: join(out, "summary.html"),
  };
}

/** The folder, new or the demo's own. */
function openFolder(out: string): Result<void> {
  const names = existsSync(out) ? fileResult(out, () => readdirSync(out)) : ok([]);
  if (names.kind === "problem") return names;
  if (names.value.length > 0 && !names.value.includes(marker)) {
    const expected = "a folder that is missing, empty, or the demo's own";
    return fail({
      kind: "folder in use",
      where: out,
      got: `${names.value.length} files of yours`,
      expected,
      next: "name another with --out",
    });
  }
  const made = fileResult(out, () => mkdirSync(out, { recursive: true }));
  return made.kind === "problem"
    ? made
    : writeFileAtomic(join(out, marker), `${JSON.stringify({ version: 1, story }, null, 2)}\n`);
}

interface Work {
  readonly threads: number;
  readonly progress: Context["progress"];
  readonly signal: AbortSignal;
}

/** Simulated studies, unless they stand there whole: the label table is written last. */
async function phantoms(
  out: string,
  { studies, seed, work }: { readonly studies: number; readonly seed: number; readonly work: Work },
): Promise<Result<void>> {
  if (existsSync(join(out, "stage_2_train.csv"))) return ok(undefined);
  rmSync(out, { recursive: true, force: true });
  const made = await makePhantom({ out, studies, seed, matrix: story.matrix, testStudies: 0, ...work });
  return made.kind === "problem" ? made : ok(undefined);
}

/** What is in the simulated studies of a folder: the positive labels of each study, from its label table and headers. */
function studyTruth(folder: string): ReadonlyMap<string, readonly Label[]> {
  const positive = new Map<string, Label[]>();
  for (const line of readFileSync(join(folder, "stage_2_train.csv"), "utf8").trim().split("\n").slice(1)) {
    const [id = "", value] = line.split(",");
    const parsed = parseLabelId(id);
    if (value === "1" && parsed) positive.set(parsed.sliceId, [...(positive.get(parsed.sliceId) ?? []), parsed.label]);
  }
  const studies = new Map<string, readonly Label[]>();
  for (const name of readdirSync(join(folder, "stage_2_train"))) {
    const outcome = readSliceHeader(join(folder, "stage_2_train", name));
    if (outcome.kind !== "slice") continue;
    const { study, sliceId } = outcome.header;
    const found = new Set([...(studies.get(study) ?? []), ...(positive.get(sliceId) ?? [])]);
    studies.set(
      study,
      labels.filter((label) => found.has(label)),
    );
  }
  return studies;
}

/** The sums of an index's ledger. */
function ledgerSums(index: string): { found: number; used: number; setAside: number; failed: number } {
  const lines = readFileSync(join(index, "ledger.csv"), "utf8").trim().split("\n").slice(1);
  const count = (status: string) => lines.filter((line) => line.includes(`,${status},`)).length;
  return { found: lines.length, used: count("used"), setAside: count("set aside"), failed: count("failed") };
}

async function trainStory(places: Places, work: Work): Promise<Result<RunSummary>> {
  const config = resolveConfig({ model: "cnn", sets: story.sets });
  if (config.kind === "problem") return config;
  const resume = existsSync(join(places.run, "run.json")) ? "resume" : "new";
  return train({ data: places.index, run: places.run, config: config.value, resume, ...work });
}

function storyText({ places, evaluation, detection, seconds }: Story): string {
  const any = evaluation.slice.labels.any.rocAuc;
  const figure = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(3));
  return [
    "\nA small network, trained on simulated studies and tried on simulated patients it has not seen.\n\n",
    evaluationTable(evaluation),
    `\nIn a sentence: of two slices, one with a bleed and one without, it puts the right one first in ${figure(any.detector.value)} of\n`,
    `cases; the brain area of the slice alone does so in ${figure(any.baselines.brainArea?.value)}, a coin in 0.500.\n\n`,
    `Fresh studies (another seed, never indexed):\n${studyTable(detection.studies)}`,
    `\nPictures: ${places.summary}\nTook ${inWords(seconds * 1000)}. All of it stands in ${places.out}.\n\n`,
    "Simulated bleeds prove nothing about patients, and Ichor is not a medical device. Next, with your own data:\n",
    "  ichor index DICOM_FOLDER --out work/index\n",
    "  ichor train --data work/index --run runs/first\n",
    "  ichor evaluate --run runs/first\n",
    `  ichor predict STUDY --model ${places.run}/model.onnx --out work/found   (or runs/first/model.onnx)\n`,
  ].join("");
}
