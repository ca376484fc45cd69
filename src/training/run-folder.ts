import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fail, ok, type Problem, type Result, shellWord } from "../base/index.ts";
import { folds, labels, parseSplit, type Split } from "../labels/index.ts";
import { fileResult, writeFileAtomic } from "../machine/index.ts";
import { configDifferences, type TrainingConfig, trainingConfigSchema } from "./config.ts";

const countsSchema = z.object({
  patients: z.int(),
  slices: z.int(),
  /** Positive slices of each label. */
  positives: z.record(z.enum(labels), z.int()),
});

const startSchema = z.object({
  /** ISO 8601, UTC. */
  at: z.string(),
  threads: z.int(),
  /** What ran the network; runs of before had "cpu" only. */
  provider: z.string().optional(),
  /** The form in which the training step ran, e.g. "blocked (16)". */
  form: z.string(),
  versions: z.object({ ichor: z.string(), node: z.string(), onnxruntime: z.string() }),
  machine: z.object({ platform: z.string(), processor: z.string(), cores: z.int(), memoryGb: z.number() }),
});

/** `run.json`: all that a run was made from and came to. */
export const runInfoSchema = z.object({
  version: z.literal(1),
  status: z.enum(["running", "interrupted", "finished"]),
  config: trainingConfigSchema,
  data: z.object({
    /** Absolute path of the data as given: an index folder, an `index.parquet`, or a folder of DICOM files. */
    path: z.string(),
    /** Hash of the index's rows, once it is known. */
    hash: z.string().optional(),
    /** Used slices of the index, and those of them whose pixels could not be read. */
    slices: z.int().optional(),
    unreadable: z.int().optional(),
  }),
  split: z.object({ hash: z.string() }).optional(),
  /** What stands in each fold: slices with all six labels and pixels that can be read. */
  folds: z.record(z.enum(folds), countsSchema).optional(),
  /** Steps of an epoch and slices of a step. */
  steps: z.object({ perEpoch: z.int(), batchSize: z.int() }).optional(),
  /** One entry a start: the first one, and each resume. */
  starts: z.array(startSchema),
  /** What is unusual about the run, in words. */
  notes: z.array(z.string()),
  result: z
    .object({
      epochs: z.int(),
      bestEpoch: z.int(),
      /** Of the best epoch; absent where the validation fold cannot tell. */
      validationLoss: z.number().optional(),
      validationAucAny: z.number().optional(),
      operatingPoints: z.record(z.enum(labels), z.number()),
      /** SHA-256 of `model.onnx`. */
      modelHash: z.string(),
      seconds: z.number(),
    })
    .optional(),
});

/** What `run.json` says. */
export type RunInfo = z.infer<typeof runInfoSchema>;

/** One start of a run: when, with what, on which machine. */
export type RunStart = RunInfo["starts"][number];

/** Slices, patients and positive slices of one fold. */
export type FoldCounts = z.infer<typeof countsSchema>;

/** The files of a run folder. */
export interface RunPaths {
  readonly info: string;
  readonly split: string;
  readonly metrics: string;
  readonly last: string;
  readonly best: string;
  readonly model: string;
  readonly predictions: string;
  readonly evaluation: string;
  /** Index of a data folder that had none of its own. */
  readonly index: string;
  /** Cache of an index that stands where nothing can be written. */
  readonly cache: string;
}

/** A run, read. */
export interface Run {
  readonly dir: string;
  readonly paths: RunPaths;
  readonly info: RunInfo;
  readonly config: TrainingConfig;
  readonly split: Split;
}

/** Where the files of a run stand. */
export function runPaths(dir: string): RunPaths {
  return {
    info: join(dir, "run.json"),
    split: join(dir, "split.json"),
    metrics: join(dir, "metrics.jsonl"),
    last: join(dir, "checkpoints", "last.safetensors"),
    best: join(dir, "checkpoints", "best.safetensors"),
    model: join(dir, "model.onnx"),
    predictions: join(dir, "predictions.csv"),
    evaluation: join(dir, "evaluation.json"),
    index: join(dir, "index"),
    cache: join(dir, "cache"),
  };
}

/** Reads a run. Problems: not a run folder, a damaged or foreign `run.json` or `split.json`, no split made yet. */
export function readRun(dir: string): Result<Run> {
  const paths = runPaths(dir);
  const info = readRunInfo(dir);
  if (info.kind === "problem") return info;
  if (!existsSync(paths.split)) {
    return fail({
      kind: "not trained",
      where: dir,
      got: "a run that stopped before its patients were split",
      expected: "a run with split.json",
      next: `go on with it: ${resumeCommand(info.value.data.path, dir)}`,
    });
  }
  const split = readSplit(dir, info.value);
  if (split.kind === "problem") return split;
  return ok({ dir, paths, info: info.value, config: info.value.config, split: split.value });
}

/** Reads `split.json` and holds it against what `run.json` says of it. */
export function readSplit(dir: string, info: RunInfo): Result<Split> {
  const path = runPaths(dir).split;
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const split = parseSplit(text.value, path);
  if (split.kind === "problem" || info.split === undefined || info.split.hash === split.value.hash) return split;
  return fail({
    kind: "changed split",
    where: path,
    got: `the hash ${split.value.hash}`,
    expected: `${info.split.hash}, as run.json has it`,
    next: "restore the split.json that training wrote, or train into a new run folder",
  });
}

/** Reads `run.json`. Problems: not found, no JSON, not of this form or version. */
export function readRunInfo(dir: string): Result<RunInfo> {
  const path = runPaths(dir).info;
  if (!existsSync(path)) return fail(notARun(dir, existsSync(dir) ? "a folder without run.json" : "nothing there"));
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const refuse = (where: string, got: string) =>
    fail({
      kind: "not a run",
      where,
      got,
      expected: "run.json of format version 1",
      next: "restore the run.json that training wrote, or train into a new run folder",
    });
  let content: unknown;
  try {
    content = JSON.parse(text.value);
  } catch {
    return refuse(path, "text that is no JSON");
  }
  const parsed = runInfoSchema.safeParse(content);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return refuse(`${path}: ${issue?.path.join(".") ?? ""}`, issue?.message ?? "something else");
}

/** Writes `run.json`. */
export function writeRunInfo(dir: string, info: RunInfo): Result<void> {
  return writeFileAtomic(runPaths(dir).info, `${JSON.stringify(info, undefined, 2)}\n`);
}

/** What a folder is to a training that wants it; `left` is a run that stopped before it had anything to go on from. */
export type ClaimedFolder =
  | { readonly kind: "new"; readonly config: TrainingConfig; readonly left?: RunInfo }
  | { readonly kind: "resumed" | "finished"; readonly info: RunInfo; readonly config: TrainingConfig };

/** Who wants which folder. */
export interface Claim {
  readonly run: string;
  /** As given on the command line, for the next step in a problem. */
  readonly data: string;
  /** `undefined`: as the run has it, or the default. */
  readonly config: TrainingConfig | undefined;
  readonly fallback: TrainingConfig;
  readonly resume: "resume" | "new";
}

/**
 * Looks whether a training may have a folder. An empty or missing one is new, with and without `resume`, and so is one
 * whose run stopped before its patients were split (bad data, say): there is nothing to lose in it. Problems:
 * "run exists" (names --resume), "not a run" (other files in it), "configuration changed" (says what differs).
 */
export function claimRunFolder({ run, data, config, fallback, resume }: Claim): Result<ClaimedFolder> {
  const held = fileResult(run, () => (existsSync(run) ? readdirSync(run) : []));
  if (held.kind === "problem") return held;
  const files = held.value.filter((name) => !name.endsWith(".tmp")); // left by a write that was killed
  if (files.length === 0) return ok({ kind: "new", config: config ?? fallback });
  if (!files.includes("run.json")) return fail(notARun(run, `a folder with ${files.slice(0, 3).join(", ")}`));
  const info = readRunInfo(run);
  if (info.kind === "problem") return info;
  if (info.value.split === undefined) {
    const kept = resume === "resume" ? info.value.config : fallback;
    return ok({ kind: "new", config: config ?? kept, left: info.value });
  }
  if (resume === "new") {
    return fail({
      kind: "run exists",
      where: run,
      got: `a run that is ${info.value.status}`,
      expected: "a new or empty folder",
      next: `go on with it: ${resumeCommand(data, run)}; or name another folder`,
    });
  }
  const differences = config === undefined ? [] : configDifferences(info.value.config, config);
  if (differences.length > 0) {
    return fail({
      kind: "configuration changed",
      where: run,
      got: differences.join("; "),
      expected: "the configuration that the run was started with",
      next: `resume without --config and --set: ${resumeCommand(data, run)}; or train into a new run folder`,
    });
  }
  const finished = info.value.status === "finished" && existsSync(runPaths(run).model);
  return ok({ kind: finished ? "finished" : "resumed", info: info.value, config: info.value.config });
}

/** The command that goes on with a run. */
export function resumeCommand(data: string, run: string, provider = "cpu"): string {
  const named = provider === "cpu" ? "" : ` --provider ${shellWord(provider)}`;
  return `ichor train --data ${shellWord(data)} --run ${shellWord(run)} --resume${named}`;
}

function notARun(dir: string, got: string): Problem {
  const next = "name a folder that `ichor train` made, or a new one to train into";
  return { kind: "not a run", where: dir, got, expected: "a run folder", next };
}
