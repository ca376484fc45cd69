import { readFileSync } from "node:fs";
import { z } from "zod";
import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { fileResult } from "../machine/index.ts";
import { type ModelName, type ModelRow, models } from "../models/index.ts";
import { hashOfFile } from "./backbone.ts";
import { defaultConfig, standardAugmentation, type TrainingConfig, trainingConfigSchema } from "./config.ts";
import { nearestWords } from "./nearest.ts";
import { piecesOf } from "./update-settings.ts";

/** Where a configuration comes from. */
export interface ConfigSources {
  /** Name of the model; wins over the file's. "cnn" where nobody names one. */
  readonly model?: string;
  /** Path of a JSON file with some or all of the keys. */
  readonly file?: string;
  /** "key=value" with dotted keys; the value is JSON, or text where it is none. Later ones win. */
  readonly sets?: readonly string[];
}

type Tree = { readonly [key: string]: unknown };
const treeSchema = z.record(z.string(), z.unknown());

/**
 * The complete configuration: the model's defaults, then the file, then the single settings. Problems: an unreadable
 * file, no JSON, an unknown key (with the nearest known one), a value out of range, an unknown model.
 */
export function resolveConfig({ model, file, sets = [] }: ConfigSources): Result<TrainingConfig> {
  const written = file === undefined ? ok<Tree>({}) : readTree(file);
  if (written.kind === "problem") return written;
  const settings: { readonly where: string; readonly tree: Tree }[] = [
    { where: file ?? "configuration", tree: written.value },
  ];
  for (const text of sets) {
    const setting = parseSetting(text);
    if (setting.kind === "problem") return setting;
    settings.push({ where: `--set ${text}`, tree: setting.value });
  }
  const name = model ?? settings.findLast(({ tree }) => tree["model"] !== undefined)?.tree["model"] ?? "cnn";
  if (typeof name !== "string" || !Object.hasOwn(models, name)) return fail(unknownModel(name));
  let merged: Tree = defaultConfig(name as ModelName);
  for (const { where, tree } of settings) {
    const unknown = unknownKey(tree, { known: knownKeys(merged), where });
    if (unknown !== undefined) return fail(unknown);
    merged = merge(merged, expandPresets(tree));
    const valid = checkConfig({ ...merged, model: name }, where);
    if (valid.kind === "problem") return valid;
  }
  const config = checkConfig({ ...merged, model: name }, "configuration");
  if (config.kind === "problem") return config;
  const refused = refusal(config.value);
  return refused === undefined ? withHash(config.value) : fail({ where: "configuration", ...refused });
}

/** The configuration with the SHA-256 of its backbone, so that a run says what it was made from. */
function withHash(config: TrainingConfig): Result<TrainingConfig> {
  const { backbone } = config;
  if (backbone === undefined || backbone.sha256 !== undefined) return ok(config);
  const sha256 = hashOfFile(backbone.file);
  return sha256.kind === "problem" ? sha256 : ok({ ...config, backbone: { ...backbone, sha256: sha256.value } });
}

function checkConfig(tree: Tree, where: string): Result<TrainingConfig> {
  const parsed = trainingConfigSchema.safeParse(tree);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String) ?? [];
  const got = JSON.stringify(path.reduce<unknown>((part, key) => (part as Tree | undefined)?.[key], tree));
  return fail({
    kind: "value out of range",
    where: `${where}: ${path.join(".")}`,
    got: got ?? "nothing",
    expected: issue?.message ?? "a value of the schema",
    next: "mend the value and run the same command again",
  });
}

/** What the schema cannot say: how keys depend on each other and on the model. */
function refusal(config: TrainingConfig): Omit<Problem, "where"> | undefined {
  const { train, validation, test } = config.split;
  const row: ModelRow = models[config.model];
  if (!(train > 0) || Math.abs(train + validation + test - 1) > 1e-6) {
    const got = `train ${train}, validation ${validation}, test ${test}`;
    const next =
      "give all three, for example split.train=0.7 split.validation=0.15 split.test=0.15 in one --config file";
    return { kind: "fractions", got, expected: "fractions that sum to 1, with some for train", next };
  }
  if (row.neighbours === 1 && config.neighbours !== 1) {
    const next = "leave neighbours at 1, or train the cnn";
    return { kind: "neighbours", got: `${config.neighbours}`, expected: `1, as ${config.model} sees one slice`, next };
  }
  if ((config.model === "imported") !== (config.backbone !== undefined)) {
    const got = config.backbone === undefined ? "none" : config.backbone.file;
    const expected =
      config.backbone === undefined
        ? "an ONNX file for the model imported"
        : `none, as ${config.model} is no imported one`;
    const next =
      config.backbone === undefined
        ? "add --set backbone.file=network.onnx"
        : "leave backbone out, or set model=imported";
    return { kind: "backbone", got, expected, next };
  }
  if (row.width === undefined && config.width !== undefined) {
    const next = "leave width out, or train the cnn";
    return { kind: "width", got: `${config.width}`, expected: `none, as ${config.model} has fixed layers`, next };
  }
  return craftRefusal(config);
}

/** As `refusal`, of the optimiser and of how a batch is shared out. */
function craftRefusal(config: TrainingConfig): Omit<Problem, "where"> | undefined {
  const { optimiser, momentum, nesterov, accumulate, workers, batchSize, lossScale, lossScaleGrowth } = config;
  const pieces = piecesOf(config);
  if (nesterov === true && (optimiser !== "sgd" || momentum === 0)) {
    const got = `nesterov with ${optimiser === "sgd" ? "momentum 0" : optimiser}`;
    const next = "leave nesterov out, or set optimiser=sgd momentum=0.9";
    return { kind: "nesterov", got, expected: "sgd with a momentum", next };
  }
  if (batchSize % pieces !== 0) {
    const next = `set batchSize=${Math.ceil(batchSize / pieces) * pieces}, or another number of pieces`;
    return { kind: "pieces", got: `${batchSize} slices in ${pieces} pieces`, expected: "pieces of equal size", next };
  }
  if (accumulate !== undefined && workers !== undefined && workers > accumulate) {
    const got = `${workers} workers for ${accumulate} pieces`;
    const next = `set workers=${accumulate}, or leave accumulate out`;
    return { kind: "workers", got, expected: "a piece for each worker at least", next };
  }
  if (lossScaleGrowth !== undefined && lossScale !== "dynamic") {
    const got = `a loss scale of ${lossScale ?? "none"}`;
    const next = "set lossScale=dynamic, or leave lossScaleGrowth out";
    return { kind: "loss scale", got, expected: "a dynamic one, where it is told how it grows", next };
  }
  if (config.precision === "float16" && lossScale === undefined) {
    const next = "set lossScale=dynamic, or leave precision out";
    return { kind: "loss scale", got: "none", expected: "one, since float16 loses small gradients without it", next };
  }
  return undefined;
}

function readTree(file: string): Result<Tree> {
  const text = fileResult(file, () => readFileSync(file, "utf8"));
  if (text.kind === "problem") return text;
  const refuse = (got: string) =>
    fail({
      kind: "not a configuration",
      where: file,
      got,
      expected: 'a JSON object such as {"model": "cnn", "epochs": 5}',
      next: "mend the file; docs/configuration.md lists the keys",
    });
  try {
    const parsed = treeSchema.safeParse(JSON.parse(text.value));
    return parsed.success ? ok(parsed.data) : refuse("JSON that is no object");
  } catch (error) {
    return refuse(error instanceof Error ? error.message : "no JSON");
  }
}

/** "split.seed=3" → { split: { seed: 3 } } */
function parseSetting(text: string): Result<Tree> {
  const at = text.indexOf("=");
  if (at <= 0) {
    const next = "write for example --set epochs=5";
    return fail({ kind: "not a setting", where: `--set ${text}`, got: text, expected: "key=value", next });
  }
  const keys = text.slice(0, at).trim().split(".");
  const value = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), jsonOrText(text.slice(at + 1)));
  return ok(value as Tree);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a word such as cosine
  }
}

/** "standard" becomes what it stands for, so that single keys of it can be set afterwards. */
function expandPresets(tree: Tree): Tree {
  return tree["augmentation"] === "standard" ? { ...tree, augmentation: standardAugmentation } : tree;
}

/** The second over the first, key by key; setting a part of augmentation that is "none" starts from no change at all. */
function merge(under: Tree, over: Tree): Tree {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (!isTree(value)) merged[key] = value;
    else merged[key] = merge(isTree(under[key]) ? under[key] : (blanks[key] ?? {}), value);
  }
  return merged;
}

const blanks: Readonly<Record<string, Tree>> = {
  augmentation: { flip: 0, rotateDegrees: 0, scale: 0, shiftPixels: 0, noiseHu: 0, offsetHu: 0 },
};

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** All keys there are, dotted, parents too. */
function knownKeys(defaults: Tree): readonly string[] {
  const nested = (tree: Tree, prefix: string) => Object.keys(tree).map((key) => `${prefix}.${key}`);
  return [
    ...Object.keys(trainingConfigSchema.shape),
    ...nested(standardAugmentation, "augmentation"),
    "backbone.file",
    "backbone.sha256",
    ...["split", "preprocessing"].flatMap((key) => (isTree(defaults[key]) ? nested(defaults[key], key) : [])),
  ];
}

function unknownKey(
  tree: Tree,
  {
    known,
    where,
    prefix = "",
  }: { readonly known: readonly string[]; readonly where: string; readonly prefix?: string },
): Problem | undefined {
  for (const [key, value] of Object.entries(tree)) {
    const dotted = prefix + key;
    if (!known.includes(dotted)) {
      const [nearest] = nearestWords(dotted, known);
      const next = `write ${nearest} if that is meant; docs/configuration.md lists the keys`;
      return {
        kind: "unknown key",
        where,
        got: dotted,
        expected: `a known key, such as ${nearest}`,
        next,
      };
    }
    const inner = isTree(value) ? unknownKey(value, { known, where, prefix: `${dotted}.` }) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function unknownModel(name: unknown): Problem {
  const known = Object.keys(models);
  const got = typeof name === "string" ? name : JSON.stringify(name);
  const next = `name ${nearestWords(got, known)[0]}, or another of them`;
  return { kind: "unknown model", where: "model", got, expected: known.join(", "), next };
}
