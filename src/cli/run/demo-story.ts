import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fail, ok, type Result, shellWord } from "../../base/index.ts";
import { buildIndex } from "../../dataset/index.ts";
import { detect } from "../../detection/index.ts";
import { type Evaluation, evaluateRun, parseEvaluation } from "../../evaluation/index.ts";
import { fileResult, makeFolder, writeFileAtomic } from "../../machine/index.ts";
import { makePhantom } from "../../phantom/index.ts";
import { type FreshStudy, type NextStep, writeSummary } from "../../report/index.ts";
import {
  type ConfigSources,
  type RunSummary,
  readRun,
  resolveConfig,
  runPaths,
  train,
  type Work,
} from "../../training/index.ts";
import { demoSummary } from "./demo-summary.ts";
import { freshStudies } from "./fresh-studies.ts";

/** How large a story is. */
export interface StorySize {
  readonly version: 1;
  /** Patients to learn from and to be judged on. */
  readonly studies: number;
  readonly slices: number;
  readonly matrix: number;
  readonly seed: number;
  readonly fresh: { readonly studies: number; readonly seed: number };
  readonly train: ConfigSources;
}

/** So large that a network learns something, so small that all of it takes two cores less than five minutes. */
const standardSize: StorySize = {
  version: 1,
  studies: 60,
  slices: 24,
  matrix: 256,
  seed: 2019,
  fresh: { studies: 4, seed: 2020 },
  train: { model: "cnn", sets: ["epochs=12"] },
};

/** `demo.json`: says that a folder is the demo's own, so that it may go on in it and clear away what is half made. */
const demoFileSchema = z.object({
  size: z.unknown(),
  status: z.enum(["started", "finished"]),
  /** Spent so far over all starts, those that were killed left out. */
  seconds: z.number(),
});

/** How far a demo has come. */
type DemoState = Pick<z.infer<typeof demoFileSchema>, "status" | "seconds">;

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
  readonly fresh: readonly FreshStudy[];
  /** Over all starts. */
  readonly seconds: number;
}

/**
 * Tells the whole story in one folder: simulate, index, train, evaluate, detect, summarise. Where a folder holds a part
 * of it, it goes on there; where it holds all of it, it reads what came of it. Problems: a folder that is not the
 * demo's, one of another version's demo, and those of each part; after "interrupted" the same command goes on.
 */
export async function tellStory(out: string, work: Work, size: StorySize = standardSize): Promise<Result<Story>> {
  const places = placesIn(out);
  const opened = openFolder(places, size);
  if (opened.kind === "problem") return opened;
  const state = opened.value;
  if (state.status === "finished") return reread(places, state.seconds);
  const begun = performance.now();
  const told = await tell(places, work, size);
  const seconds = Math.round(10 * state.seconds + (performance.now() - begun) / 100) / 10;
  const marked = mark(places, { size, status: told.kind === "ok" ? "finished" : "started", seconds });
  if (told.kind === "ok") return marked.kind === "problem" ? marked : reread(places, seconds, "told");
  const goingOn = `go on: npx ichor demo --out ${shellWord(out)}`;
  const { kind, where, next } = told.problem;
  if (kind === "interrupted") return fail({ ...told.problem, where: `${out}: ${where}`, next: goingOn });
  return fail({ ...told.problem, next: next.replace(/go on: ichor train .*$/, goingOn) }); // its parts are not the user's
}

/** What a newcomer may do after the demo, with commands to copy. */
export function nextSteps(places: Places): readonly NextStep[] {
  const index = shellWord(places.index);
  const model = shellWord(runPaths(places.run).model);
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
    {
      what: "This detector on any folder, to see what it writes:",
      command: `npx ichor predict DICOM_FOLDER --model ${model} --out found`,
    },
  ];
}

async function tell(places: Places, work: Work, size: StorySize): Promise<Result<void>> {
  const data = await phantoms(places.data, size, work);
  if (data.kind === "problem") return data;
  // Indexed again after an interrupt: it takes seconds, and its ledger is part of the story.
  const index = await buildIndex({ root: places.data, out: places.index, ...work });
  if (index.kind === "problem") return index;
  const trained = await trainStory(places, work, size);
  if (trained.kind === "problem") return trained;
  const evaluated = await evaluateRun({ run: places.run, split: "test", ...work });
  if (evaluated.kind === "problem") return evaluated;
  const simulated = await phantoms(places.fresh, { ...size, ...size.fresh }, work);
  if (simulated.kind === "problem") return simulated;
  const inputs = [join(places.fresh, "stage_2_train")];
  const detected = await detect({ inputs, model: trained.value.model, out: places.found, ...work });
  if (detected.kind === "problem") return detected;
  const fresh = freshStudies(freshFiles(places));
  if (fresh.kind === "problem") return fresh;
  const run = readRun(places.run);
  if (run.kind === "problem") return run;
  const { ledger } = index.value;
  const next = nextSteps(places);
  const sources = { run: run.value, ledger, evaluation: evaluated.value, fresh: fresh.value, next, work };
  const summary = await demoSummary(sources);
  return summary.kind === "problem" ? summary : writeFileAtomic(places.summary, writeSummary(summary.value));
}

/** What a story that is told came to, from its files. */
function reread(places: Places, seconds: number, work: Story["work"] = "was finished"): Result<Story> {
  const path = runPaths(places.run).evaluation;
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const evaluation = parseEvaluation(text.value, path);
  if (evaluation.kind === "problem") return evaluation;
  const fresh = freshStudies(freshFiles(places));
  if (fresh.kind === "problem") return fresh;
  return ok({ work, places, evaluation: evaluation.value, fresh: fresh.value, seconds });
}

function freshFiles({ found, fresh }: Places) {
  return { findings: join(found, "findings.json"), labels: join(fresh, "stage_2_train.csv") };
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

/** The folder, new or the demo's own, and how far the demo in it has come. */
function openFolder(places: Places, size: StorySize): Result<DemoState> {
  const { out, marker, summary } = places;
  const made = fileResult(out, () => {
    makeFolder(out);
    return readdirSync(out);
  });
  if (made.kind === "problem") return made;
  if (made.value.length === 0) {
    const state: DemoState = { status: "started", seconds: 0 };
    const marked = mark(places, { size, ...state });
    return marked.kind === "problem" ? marked : ok(state);
  }
  const next = `name another folder: npx ichor demo --out ${shellWord(`${out}-2`)}`;
  if (!made.value.includes("demo.json")) {
    const expected = "a folder that is missing, empty, or the demo's own";
    return fail({ kind: "folder in use", where: out, got: `${made.value.length} entries`, expected, next });
  }
  const read = fileResult(marker, () => readFileSync(marker, "utf8"));
  if (read.kind === "problem") return read;
  const parsed = demoFileSchema.safeParse(parseJson(read.value));
  if (!parsed.success || JSON.stringify(parsed.data.size) !== JSON.stringify(size)) {
    const expected = "demo.json as this version of Ichor writes it";
    return fail({ kind: "another version's demo", where: marker, got: "a demo of another size", expected, next });
  }
  const { seconds, status } = parsed.data;
  return ok({ seconds, status: existsSync(summary) ? status : "started" });
}

function mark({ marker }: Places, state: DemoState & { readonly size: StorySize }): Result<void> {
  return writeFileAtomic(marker, `${JSON.stringify(state, undefined, 2)}\n`);
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
  { studies, slices, matrix, seed }: Omit<StorySize, "version" | "fresh" | "train">,
  work: Work,
): Promise<Result<void>> {
  if (existsSync(join(out, "stage_2_train.csv"))) return ok(undefined);
  const cleared = fileResult(out, () => rmSync(out, { recursive: true, force: true }));
  if (cleared.kind === "problem") return cleared;
  const made = await makePhantom({ out, studies, seed, matrix, slices, testStudies: 0, ...work });
  return made.kind === "problem" ? made : ok(undefined);
}

async function trainStory(places: Places, work: Work, size: StorySize): Promise<Result<RunSummary>> {
  const config = resolveConfig(size.train);
  if (config.kind === "problem") return config;
  const resume = existsSync(runPaths(places.run).info) ? "resume" : "new";
  return train({ data: places.index, run: places.run, config: config.value, resume, ...work });
}
