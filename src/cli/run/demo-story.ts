import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fail, fileResult, ok, type Result, writeFileAtomic } from "../../base/index.ts";
import { buildIndex } from "../../dataset/index.ts";
import { detect, type StudyLine } from "../../detection/index.ts";
import { type Evaluation, evaluateRun, parseEvaluation } from "../../evaluation/index.ts";
import { makePhantom } from "../../phantom/index.ts";
import { type NextStep, writeSummary } from "../../report/index.ts";
import { type RunSummary, readRun, resolveConfig, runPaths, train, type Work } from "../../training/index.ts";
import { demoSummary } from "./demo-summary.ts";
import { studyLines } from "./study-lines.ts";

/** Sized so that the whole story takes two cores less than five minutes. */
const settings = {
  version: 1,
  studies: 60,
  slices: 24,
  matrix: 256,
  seed: 2019,
  fresh: { studies: 4, seed: 2020 },
  train: { model: "cnn", sets: ["epochs=12"] },
} as const;

/** `demo.json`: says that a folder is the demo's own, so that it may go on in it and clear away what is half made. */
const demoFileSchema = z.object({
  settings: z.unknown(),
  /** What the story took, once it is told to its end. */
  seconds: z.number().optional(),
});

/** Where the parts of the story stand. */
export interface Places {
  readonly out: string;
  readonly marker: string;
  readonly data: string;
  readonly index: string;
  readonly run: string;
  readonly fresh: string;
  readonly found: string;
  readonly summary: string;
}

/** What the story came to. */
export interface Story {
  /** "was finished": the folder held the whole story. */
  readonly work: "told" | "was finished";
  readonly places: Places;
  readonly evaluation: Evaluation;
  readonly studies: readonly StudyLine[];
  readonly seconds: number;
}

/**
 * Tells the whole story in one folder: simulate, index, train, evaluate, detect, summarise. Where a folder holds a part
 * of it, it goes on there; where it holds all of it, it reads what came of it. Problems: a folder that is not the
 * demo's, one of another version's demo, and those of each part; after "interrupted" the same command goes on.
 */
export async function tellStory(out: string, work: Work): Promise<Result<Story>> {
  const places = placesIn(out);
  const opened = openFolder(places);
  if (opened.kind === "problem") return opened;
  const told = opened.value === undefined ? await tell(places, work) : reread(places, opened.value);
  if (told.kind === "ok" || told.problem.kind !== "interrupted") return told;
  const where = `${out}: ${told.problem.where}`;
  return fail({ ...told.problem, where, next: `go on: npx ichor demo --out ${out}` });
}

/** What a newcomer may do after the demo, with commands to copy. */
export function nextSteps({ index, run }: Places): readonly NextStep[] {
  return [
    {
      what: "The dense network of 2020 on the same patients, to compare:",
      command: `npx ichor train --data ${index} --run runs/mlp2020 --model mlp2020\nnpx ichor evaluate --run runs/mlp2020`,
    },
    {
      what: "Your own studies (a folder of DICOM files and a table of labels in the competition's form):",
      command: [
        "npx ichor index DICOM_FOLDER --labels LABELS.csv --out work/index",
        "npx ichor train --data work/index --run runs/first",
        "npx ichor evaluate --run runs/first",
        "npx ichor predict NEW_STUDIES --model runs/first/model.onnx --out found",
      ].join("\n"),
    },
    { what: "What a command can do:", command: "npx ichor train --help" },
    { what: "This detector on any folder, to see what it writes:", command: predictCommand(run) },
  ];
}

function predictCommand(run: string): string {
  return `npx ichor predict DICOM_FOLDER --model ${runPaths(run).model} --out found`;
}

async function tell(places: Places, work: Work): Promise<Result<Story>> {
  const begun = performance.now();
  const data = await phantoms(places.data, { studies: settings.studies, seed: settings.seed, work });
  if (data.kind === "problem") return data;
  // Indexed again after an interrupt: it takes seconds, and its ledger is part of the story.
  const index = await buildIndex({ root: places.data, out: places.index, ...work });
  if (index.kind === "problem") return index;
  const trained = await trainStory(places, work);
  if (trained.kind === "problem") return trained;
  const evaluated = await evaluateRun({ run: places.run, split: "test", ...work });
  if (evaluated.kind === "problem") return evaluated;
  const fresh = await phantoms(places.fresh, { ...settings.fresh, work });
  if (fresh.kind === "problem") return fresh;
  const inputs = [join(places.fresh, "stage_2_train")];
  const detected = await detect({ inputs, model: trained.value.model, out: places.found, ...work });
  if (detected.kind === "problem") return detected;
  const run = readRun(places.run);
  if (run.kind === "problem") return run;
  const summary = await demoSummary({
    run: run.value,
    ledger: index.value.ledger,
    evaluation: evaluated.value,
    findings: detected.value.files["findings.json"],
    freshLabels: join(places.fresh, "stage_2_train.csv"),
    next: nextSteps(places),
    work,
  });
  if (summary.kind === "problem") return summary;
  const written = writeFileAtomic(places.summary, writeSummary(summary.value));
  if (written.kind === "problem") return written;
  const seconds = Math.round((performance.now() - begun) / 100) / 10;
  const marked = mark(places, seconds);
  if (marked.kind === "problem") return marked;
  return ok({ work: "told", places, evaluation: evaluated.value, studies: detected.value.studies, seconds });
}

function reread(places: Places, seconds: number): Result<Story> {
  const path = runPaths(places.run).evaluation;
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const evaluation = parseEvaluation(text.value, path);
  if (evaluation.kind === "problem") return evaluation;
  const studies = studyLines(join(places.found, "findings.json"));
  if (studies.kind === "problem") return studies;
  return ok({ work: "was finished", places, evaluation: evaluation.value, studies: studies.value, seconds });
}

function placesIn(out: string): Places {
  return {
    out,
    marker: join(out, "demo.json"),
    data: join(out, "phantoms"),
    index: join(out, "index"),
    run: join(out, "run"),
    fresh: join(out, "fresh"),
    found: join(out, "found"),
    summary: join(out, "summary.html"),
  };
}

/** The folder, new or the demo's own; the seconds that the story took where it holds all of it. */
function openFolder(places: Places): Result<number | undefined> {
  const { out, marker, summary } = places;
  const made = fileResult(out, () => {
    mkdirSync(out, { recursive: true });
    return readdirSync(out);
  });
  if (made.kind === "problem") return made;
  if (made.value.length === 0) {
    const marked = mark(places);
    return marked.kind === "problem" ? marked : ok(undefined);
  }
  const next = `name another folder: npx ichor demo --out ${out}-2`;
  if (!made.value.includes("demo.json")) {
    const expected = "a folder that is missing, empty, or the demo's own";
    return fail({ kind: "folder in use", where: out, got: `${made.value.length} entries`, expected, next });
  }
  const read = fileResult(marker, () => readFileSync(marker, "utf8"));
  if (read.kind === "problem") return read;
  const parsed = demoFileSchema.safeParse(parseJson(read.value));
  if (!parsed.success || JSON.stringify(parsed.data.settings) !== JSON.stringify(settings)) {
    const expected = "demo.json as this version of Ichor writes it";
    return fail({ kind: "another version's demo", where: marker, got: "other settings", expected, next });
  }
  return ok(existsSync(summary) ? parsed.data.seconds : undefined);
}

function mark({ marker }: Places, seconds?: number): Result<void> {
  return writeFileAtomic(marker, `${JSON.stringify({ settings, seconds }, undefined, 2)}\n`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}

/** Simulated studies, unless they stand there whole: their label table is written last. */
async function phantoms(
  out: string,
  { studies, seed, work }: { readonly studies: number; readonly seed: number; readonly work: Work },
): Promise<Result<void>> {
  if (existsSync(join(out, "stage_2_train.csv"))) return ok(undefined);
  const cleared = fileResult(out, () => rmSync(out, { recursive: true, force: true }));
  if (cleared.kind === "problem") return cleared;
  const { matrix, slices } = settings;
  const made = await makePhantom({ out, studies, seed, matrix, slices, testStudies: 0, ...work });
  return made.kind === "problem" ? made : ok(undefined);
}

async function trainStory(places: Places, work: Work): Promise<Result<RunSummary>> {
  const config = resolveConfig(settings.train);
  if (config.kind === "problem") return config;
  const resume = existsSync(runPaths(places.run).info) ? "resume" : "new";
  return train({ data: places.index, run: places.run, config: config.value, resume, ...work });
}
