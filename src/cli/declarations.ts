import { type CommandRow, command } from "./command.ts";
import type { CommonFlags } from "./context.ts";
import { oneOf, text, wholeNumber, windowOf } from "./parsers.ts";
import type { DeidentifyFlags } from "./run/deidentify.ts";
import type { DemoFlags } from "./run/demo.ts";
import type { DoctorFlags } from "./run/doctor.ts";
import type { EvaluateFlags } from "./run/evaluate.ts";
import type { IndexFlags } from "./run/index-data.ts";
import type { InspectFlags } from "./run/inspect.ts";
import { type Registry, registries } from "./run/list-names.ts";
import type { PhantomFlags } from "./run/phantom.ts";
import type { PredictFlags } from "./run/predict.ts";
import type { QueryFlags } from "./run/query.ts";
import type { TrainFlags } from "./run/train.ts";

const folder = (brief: string) => ({ kind: "parsed", parse: text, brief, placeholder: "DIR" }) as const;
const file = (brief: string) => ({ kind: "parsed", parse: text, brief, placeholder: "FILE" }) as const;
const count = (brief: string, [low, high]: readonly [number, number]) =>
  ({ kind: "parsed", parse: wholeNumber(low, high), brief, placeholder: "N" }) as const;

const provider = {
  kind: "parsed",
  parse: text,
  brief: "What runs the network; `ichor doctor` tells which providers are here",
  placeholder: "NAME",
  default: "cpu",
} as const;

const demo = command<DemoFlags>({
  summary: "The whole story on simulated data, in minutes",
  description:
    "Makes simulated studies, indexes and splits them by patient, trains a small network, evaluates it on patients it has\n" +
    "not learned from, detects on fresh studies, and writes summary.html with pictures. Run again, it goes on where it\n" +
    "stopped, or says that it is finished.",
  examples: ["ichor demo", "ichor demo --out work/story --threads 2"],
  flags: { out: { ...folder("Folder for all of it"), default: "demo" } },
  load: async () => (await import("./run/demo.ts")).runDemo,
});

const phantom = command<PhantomFlags>({
  summary: "Make simulated head CT studies with and without bleeds",
  description:
    "Writes simulated head CT as DICOM in the competition's layout: stage_2_train/ with stage_2_train.csv, and\n" +
    "stage_2_test/ without labels. No patient is in them; they teach and test, they prove nothing about patients.",
  examples: [
    "ichor phantom --out phantoms --studies 60 --seed 1",
    "ichor phantom --out big --studies 600 --matrix 256 --seed 7",
  ],
  flags: {
    out: folder("Folder to write; must be empty or missing"),
    studies: count("Labelled studies, each of another patient", [1, 1_000_000]),
    seed: { ...count("Seed: the same seed gives the same bytes", [0, 2 ** 31]), default: "1" },
    matrix: { ...count("Rows and columns of a slice", [32, 1024]), default: "512" },
    slices: { ...count("Slices a study; varies like real studies unless given", [4, 400]), optional: true },
    testStudies: { ...count("Studies without labels, in stage_2_test", [0, 1_000_000]), default: "2" },
  },
  load: async () => (await import("./run/phantom.ts")).runPhantom,
});

const index = command<IndexFlags, [string]>({
  summary: "Read every header of a folder and join the labels",
  description:
    "Reads the header of every file, joins the label table, orders each series along its slice normal, and writes\n" +
    "index.parquet (a row a slice) and ledger.csv, in which every file stands: used, set aside or failed, with the reason.",
  examples: [
    "ichor index .data/rsna --out work/index",
    "ichor index ct --out work/index --labels labels.csv",
    "ichor index study.zip --out work/index",
  ],
  positional: {
    kind: "tuple",
    parameters: [
      { parse: text, brief: "Folder of any depth, archive (zip, tar, tar.gz) or DICOMDIR", placeholder: "DATA" },
    ],
  },
  flags: {
    out: folder("Folder for index.parquet and ledger.csv"),
    labels: { ...file("Label table (ID,Label); found in the folder unless named"), optional: true },
  },
  load: async () => (await import("./run/index-data.ts")).runIndex,
});

const inspect = command<InspectFlags, [string]>({
  summary: "Print the elements of a file and draw its slice",
  description:
    "Prints every element up to the pixel data, sequences with their items, and draws the slice in the terminal, through a\n" +
    "window in HU. What it prints is the file's own, identity included: mind who looks.",
  examples: [
    "ichor inspect .data/rsna/stage_2_test/ID_000af28ac.dcm",
    "ichor inspect slice.dcm --window bone --png slice.png --width 0",
    "ichor inspect enhanced.dcm --frame 12 --window 80/200",
  ],
  positional: {
    kind: "tuple",
    parameters: [{ parse: text, brief: "DICOM file, or an entry of an archive: ct.zip!/a.dcm", placeholder: "FILE" }],
  },
  flags: {
    window: {
      kind: "parsed",
      parse: windowOf,
      brief: "Window: brain, subdural, stroke, bone, soft, or center/width in HU",
      placeholder: "NAME",
      default: "brain",
    },
    png: { ...file("Write the slice, at its full size, as PNG"), optional: true },
    frame: { ...count("Frame to draw, where the file has several", [1, 1_000_000]), default: "1" },
    width: { ...count("Characters a line of the drawing; 0 draws nothing", [0, 1000]), default: "72" },
  },
  load: async () => (await import("./run/inspect.ts")).runInspect,
});

const query = command<QueryFlags, [string, string]>({
  summary: "Ask an index by SQL",
  description:
    "Answers one SELECT in DuckDB's SQL over the tables `files` (every file) and `slices` (the used ones) of an index.\n" +
    'The question sees the index alone and changes nothing. Columns: "DESCRIBE slices"; examples: docs/questions.md.',
  examples: [
    'ichor query work/index "DESCRIBE slices"',
    'ichor query work/index "SELECT pixel_group, count(*) FROM slices GROUP BY ALL"',
  ],
  positional: {
    kind: "tuple",
    parameters: [
      { parse: text, brief: "Index folder or index.parquet", placeholder: "INDEX" },
      { parse: text, brief: "The question, in quotes", placeholder: "SQL" },
    ],
  },
  flags: { rows: { ...count("Rows to answer at most", [1, 10_000_000]), default: "1000" } },
  load: async () => (await import("./run/query.ts")).runQuery,
});

const train = command<TrainFlags>({
  summary: "Split by patient, train a network, validate",
  description:
    "Splits by patient, caches HU at the network's resolution, trains, validates after each epoch and writes the run\n" +
    "folder with model.onnx, the detector. A training that was interrupted or killed goes on with --resume, and ends in\n" +
    "the same bytes.",
  examples: [
    "ichor train --data work/index --run runs/first",
    "ichor train --data .data/rsna --run runs/wide --set width=32 --set epochs=20",
    "ichor train --data work/index --run runs/2020 --model mlp2020 --config settings.json",
    "ichor train --data work/index --run runs/gpu --provider webgpu",
    "ichor train --data work/index --run runs/first --resume",
  ],
  flags: {
    data: folder("Index folder, or a folder of DICOM files with a label table"),
    run: folder("Run folder to write"),
    model: {
      kind: "parsed",
      parse: text,
      brief: "Model: `ichor list models` names them; cnn unless the configuration says otherwise",
      placeholder: "NAME",
      optional: true,
    },
    config: { ...file("Configuration as JSON, some or all of the keys"), optional: true },
    set: {
      kind: "parsed",
      parse: text,
      brief: "One setting, e.g. epochs=20; may be given again",
      placeholder: "key=value",
      variadic: true,
      optional: true,
    },
    provider,
    resume: { kind: "boolean", brief: "Go on with the run that is in the folder", default: false, withNegated: false },
  },
  load: async () => (await import("./run/train.ts")).runTrain,
});

const evaluate = command<EvaluateFlags>({
  summary: "Score a run on patients it has not learned from",
  description:
    "Scores a run's detector on one fold and writes predictions.csv and evaluation.json: each figure by slice and by\n" +
    "study with its number of cases, its interval over patients and the naive baselines.",
  examples: [
    "ichor evaluate --run runs/first",
    "ichor evaluate --run runs/first --split validation --json",
    "ichor evaluate --run runs/first --data elsewhere/index",
  ],
  flags: {
    run: folder("Run folder"),
    data: { ...folder("Other data to score instead of the run's own"), optional: true },
    split: { kind: "enum", values: ["train", "validation", "test"], brief: "Fold to score", default: "test" },
    provider,
  },
  load: async () => (await import("./run/evaluate.ts")).runEvaluate,
});

const predict = command<PredictFlags, string[]>({
  summary: "Detect hemorrhage in new studies",
  description:
    "Runs a detector on the head CT of each study, one series chosen by stated rules (docs/how-series-are-chosen.md), and\n" +
    "writes predictions.csv (the competition's form: six rows a slice), findings.json (by study and slice, with evidence and\n" +
    "why the series was read) and ledger.csv. Not a medical device.",
  examples: [
    "ichor predict .data/rsna/stage_2_test --model runs/first/model.onnx --out found",
    "ichor predict a.dcm b.dcm study/ packed.zip --out found",
  ],
  positional: {
    kind: "array",
    minimum: 1,
    parameter: {
      parse: text,
      brief: "Folders, DICOM files, archives (zip, tar, tar.gz), DICOMDIR, or a mix",
      placeholder: "INPUT",
    },
  },
  flags: {
    model: { ...file("Detector file"), default: "model.onnx" },
    out: folder("Folder for predictions.csv, findings.json and ledger.csv"),
    provider,
  },
  load: async () => (await import("./run/predict.ts")).runPredict,
});

const deidentify = command<DeidentifyFlags, [string, string]>({
  summary: "Write DICOM files without their patients' identity",
  description:
    "Writes every DICOM file of IN into OUT by the Basic Profile of PS3.15: identities replaced, removed or emptied, private\n" +
    "elements removed but for a few known to be safe, pixels as they are. One key gives a person, a study and a date the\n" +
    "same new ones in every call; whoever has the key could find them again, so keep it apart. Pictures that may have words\n" +
    "burned into them are set aside. The ledger names the files as they were: it is written beside OUT, not into it.",
  examples: [
    "ichor deidentify archive/2024 shared/2024 --key secret.key",
    "ichor deidentify ct out --key secret.key --dates moved --clean-descriptors",
    "ichor deidentify ct.zip out --retain-uids",
  ],
  positional: {
    kind: "tuple",
    parameters: [
      { parse: text, brief: "Folder, archive or file", placeholder: "IN" },
      { parse: text, brief: "Folder to write; must be empty or missing", placeholder: "OUT" },
    ],
  },
  flags: {
    key: {
      ...file("Key of the new names; made where it is missing. Without one a key is used once and forgotten"),
      optional: true,
    },
    retainUids: { kind: "boolean", brief: "Keep UIDs (Retain UIDs Option)", default: false, withNegated: false },
    dates: {
      kind: "enum",
      values: ["removed", "moved", "kept"],
      brief: "Dates: removed, moved by the same days for a patient, or kept (Retain Longitudinal Options)",
      default: "removed",
    },
    cleanDescriptors: {
      kind: "boolean",
      brief: "Keep descriptions, without words that could name anybody (Clean Descriptors Option)",
      default: false,
      withNegated: false,
    },
    burnedIn: {
      kind: "enum",
      values: ["set-aside", "keep"],
      brief: "Pictures that may have words burned into them",
      default: "set-aside",
    },
    ledger: { ...file("Ledger; OUT.ledger.csv unless named"), optional: true },
    resume: {
      kind: "boolean",
      brief: "Go on with an OUT that the same key filled",
      default: false,
      withNegated: false,
    },
  },
  load: async () => (await import("./run/deidentify.ts")).runDeidentify,
});

const list = command<CommonFlags, [Registry]>({
  summary: "List what Ichor knows",
  description: `Prints a registry, its names and what they are: ${registries.join(", ")}.`,
  examples: ["ichor list models", "ichor list codecs --json"],
  positional: {
    kind: "tuple",
    parameters: [{ parse: oneOf(registries), brief: `One of ${registries.join(", ")}`, placeholder: "WHAT" }],
  },
  flags: {},
  load: async () => (await import("./run/list.ts")).runList,
});

const doctor = command<DoctorFlags>({
  summary: "Tell what this machine can use, and measure it",
  description:
    "Tells processor, memory and the providers that can run a network here, with the reason where one cannot; measures\n" +
    "matrix products, training steps and the disk in about ten seconds; recommends threads, batch and resolution, and\n" +
    "says how long an epoch would take.",
  examples: ["ichor doctor", "ichor doctor --data .data/rsna --seconds 30", "ichor doctor --json"],
  flags: {
    seconds: { ...count("Time for the measurements, about", [1, 600]), default: "10" },
    data: { ...folder("Folder whose files are read to time the disk; the temporary folder otherwise"), optional: true },
  },
  load: async () => (await import("./run/doctor.ts")).runDoctor,
});

/** One row a command, in the order of their use. */
export const commands = {
  demo,
  phantom,
  index,
  query,
  inspect,
  train,
  evaluate,
  predict,
  deidentify,
  list,
  doctor,
} as const satisfies Readonly<Record<string, CommandRow>>;
