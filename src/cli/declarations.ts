import { availableParallelism } from "node:os";
import { buildCommand, type Command } from "@stricli/core";
import type { CommonFlags, Context } from "./context.ts";
import type { DemoFlags } from "./run/demo.ts";
import type { EvaluateFlags } from "./run/evaluate.ts";
import type { IndexFlags } from "./run/index-data.ts";
import { type Registry, registries } from "./run/list-names.ts";
import type { PhantomFlags } from "./run/phantom.ts";
import type { PredictFlags } from "./run/predict.ts";
import type { TrainFlags } from "./run/train.ts";

const text = (value: string): string => {
  if (value.trim() === "") throw new Error("is empty");
  return value;
};

/** A whole number within bounds, or an error that says so. */
const whole =
  (low: number, high: number) =>
  (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= low && number <= high) return number;
    throw new Error(`${value} is no whole number from ${low} to ${high}`);
  };

/** Flags that every command has. */
const common = {
  json: { kind: "boolean", brief: "One JSON document on standard output", default: false, withNegated: false },
  threads: {
    kind: "parsed",
    parse: whole(1, 256),
    brief: "Threads to work with",
    default: String(availableParallelism()),
    placeholder: "N",
  },
} as const;

/** Same on every machine, for the reference pages. */
export const threadsPlaceholder = `[default = ${availableParallelism()}]`;

const folder = (brief: string) => ({ kind: "parsed", parse: text, brief, placeholder: "DIR" }) as const;
const file = (brief: string) => ({ kind: "parsed", parse: text, brief, placeholder: "FILE", optional: true }) as const;
const count = (brief: string, [low, high]: readonly [number, number]) =>
  ({ kind: "parsed", parse: whole(low, high), brief, placeholder: "N" }) as const;

const examples = (lines: readonly string[]) => `\n\nEXAMPLES\n${lines.map((line) => `  ${line}`).join("\n")}`;

const phantom = buildCommand<PhantomFlags, [], Context>({
  loader: async () => (await import("./run/phantom.ts")).runPhantom,
  parameters: {
    flags: {
      ...common,
      out: folder("Folder to write; must be empty or missing"),
      studies: count("Labelled studies, each of another patient", [1, 1_000_000]),
      seed: { ...count("Seed: the same seed gives the same bytes", [0, 2 ** 31]), default: "1" },
      matrix: { ...count("Rows and columns of a slice", [32, 1024]), default: "512" },
      slices: { ...count("Slices a study; varies like real studies unless given", [4, 400]), optional: true },
      testStudies: { ...count("Studies without labels, in stage_2_test", [0, 1_000_000]), default: "2" },
    },
  },
  docs: {
    brief: "Make simulated head CT studies with and without bleeds",
    fullDescription:
      "Writes simulated head CT as DICOM in the competition's layout: stage_2_train/ with stage_2_train.csv, and\nstage_2_test/ without labels. No patient is in them; they teach and test, they prove nothing about patients." +
      examples([
        "ichor phantom --out phantoms --studies 60",
        "ichor phantom --out big --studies 600 --matrix 256 --seed 7",
      ]),
  },
});

const index = buildCommand<IndexFlags, [string], Context>({
  loader: async () => (await import("./run/index-data.ts")).runIndex,
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ parse: text, brief: "Folder with DICOM files, of any depth", placeholder: "DIR" }],
    },
    flags: {
      ...common,
      out: folder("Folder for index.parquet and ledger.csv"),
      labels: file("Label table (ID,Label); found in the folder unless named"),
    },
  },
  docs: {
    brief: "Read every header of a folder and join the labels",
    fullDescription:
      "Reads the header of every file, joins the label table, orders each series along its slice normal, and writes\nindex.parquet (a row a file) and ledger.csv, in which every file stands: used, set aside or failed, with the reason." +
      examples(["ichor index .data/rsna --out work/index", "ichor index ct --out work/index --labels labels.csv"]),
  },
});

const train = buildCommand<TrainFlags, [], Context>({
  loader: async () => (await import("./run/train.ts")).runTrain,
  parameters: {
    flags: {
      ...common,
      data: folder("Index folder, or a folder of DICOM files with a label table"),
      run: folder("Run folder to write"),
      model: {
        kind: "parsed",
        parse: text,
        brief: "Model: `ichor list models` names them",
        placeholder: "NAME",
        optional: true,
      },
      config: file("Configuration as JSON, some or all of the keys"),
      set: {
        kind: "parsed",
        parse: text,
        brief: "One setting, e.g. epochs=20; may be given again",
        placeholder: "key=value",
        variadic: true,
        optional: true,
      },
      resume: {
        kind: "boolean",
        brief: "Go on with the run that is in the folder",
        default: false,
        withNegated: false,
      },
    },
  },
  docs: {
    brief: "Split by patient, train a network, validate",
    fullDescription:
      "Splits by patient, caches HU at the network's resolution, trains, validates after each epoch and writes the run\nfolder with model.onnx, the detector. A training that was interrupted or killed goes on with --resume, and ends in\nthe same bytes." +
      examples([
        "ichor train --data work/index --run runs/first",
        "ichor train --data .data/rsna --run runs/wide --set width=32 --set epochs=20",
        "ichor train --data work/index --run runs/first --resume",
      ]),
  },
});

const evaluate = buildCommand<EvaluateFlags, [], Context>({
  loader: async () => (await import("./run/evaluate.ts")).runEvaluate,
  parameters: {
    flags: {
      ...common,
      run: folder("Run folder"),
      data: { ...folder("Other data to score instead of the run's own"), optional: true },
      split: { kind: "enum", values: ["train", "validation", "test"], brief: "Fold to score", default: "test" },
    },
  },
  docs: {
    brief: "Score a run on patients it has not seen",
    fullDescription:
      "Scores a run's detector on one fold and writes predictions.csv and evaluation.json: each figure by slice and by\nstudy with its number of cases, its interval over patients and the naive baselines." +
      examples(["ichor evaluate --run runs/first", "ichor evaluate --run runs/first --data elsewhere/index"]),
  },
});

const predict = buildCommand<PredictFlags, string[], Context>({
  loader: async () => (await import("./run/predict.ts")).runPredict,
  parameters: {
    positional: {
      kind: "array",
      minimum: 1,
      parameter: { parse: text, brief: "Folders, DICOM files, or a mix", placeholder: "INPUT" },
    },
    flags: {
      ...common,
      model: { ...file("Detector file"), optional: false, default: "model.onnx" },
      out: folder("Folder for predictions.csv, findings.json and ledger.csv"),
    },
  },
  docs: {
    brief: "Detect hemorrhage in new studies",
    fullDescription:
      "Runs a detector on studies, labelled or not, and writes predictions.csv (the competition's form: six rows a slice),\nfindings.json (by study and slice, with evidence) and ledger.csv. Not a medical device." +
      examples([
        "ichor predict .data/rsna/stage_2_test --model runs/first/model.onnx --out found",
        "ichor predict a.dcm b.dcm study/ --out found",
      ]),
  },
});

const demo = buildCommand<DemoFlags, [], Context>({
  loader: async () => (await import("./run/demo.ts")).runDemo,
  parameters: { flags: { ...common, out: { ...folder("Folder for all of it"), default: "demo" } } },
  docs: {
    brief: "The whole story on simulated data, in minutes",
    fullDescription:
      "Makes simulated studies, indexes and splits them by patient, trains a small network, evaluates it on patients it has\nnot seen, detects on a fresh study, and writes summary.html with pictures. Run again, it goes on where it stopped." +
      examples(["ichor demo", "ichor demo --out /tmp/story"]),
  },
});

const list = buildCommand<CommonFlags, [Registry], Context>({
  loader: async () => (await import("./run/list.ts")).runList,
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ parse: registry, brief: `One of ${registries.join(", ")}`, placeholder: "WHAT" }],
    },
    flags: common,
  },
  docs: {
    brief: "List what Ichor knows",
    fullDescription: `Prints a registry: its names and what they are.${examples(["ichor list models", "ichor list codecs --json"])}`,
  },
});

function registry(value: string): Registry {
  const found = registries.find((name) => name === value);
  if (found === undefined) throw new Error(`${value} is none of ${registries.join(", ")}`);
  return found;
}

/** One row a command, in the order of their use. Parsing, --help and docs/cli.md derive from it. */
export const commands = { demo, phantom, index, train, evaluate, predict, list } as const satisfies Record<
  string,
  Command<Context>
>;
