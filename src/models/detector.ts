import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { fail, ok, type Result, shaped } from "../base/index.ts";
import { labelCount, labels } from "../labels/index.ts";
import { fileResult } from "../machine/index.ts";
import {
  buildGraph,
  encodeModel,
  fillBlocks,
  foldBatchNormalization,
  int,
  type Network,
  type NetworkState,
  readModelMetadata,
  withConstants,
} from "../onnx/index.ts";
import { type Executor, openForward } from "../runtime/index.ts";

/** What a detector file says of itself, in `metadata_props["ichor"]`. */
export const detectorInfoSchema = z.object({
  version: z.literal(1),
  model: z.string(),
  labels: z.array(z.string()).length(labelCount),
  preprocessing: z.object({
    values: z.enum(["hu", "stored"]),
    size: z.int().min(8).max(1024),
    fieldOfViewMm: z.union([z.number().positive(), z.literal("image")]),
    tilt: z.enum(["straightened", "as scanned"]).optional(),
  }),
  neighbours: z.int().min(1).max(9),
  windows: z.array(z.object({ name: z.string(), center: z.number(), width: z.number().positive() })),
  evidence: z.enum(["class activation", "none"]),
  calibration: z.object({ kind: z.literal("none") }),
  /** Probability at or above which a label is called, chosen on the validation fold. */
  operatingPoints: z.record(z.enum(labels), z.number().min(0).max(1)),
  /** What the detector may be used on. */
  scope: z.object({ modality: z.literal("CT"), bodyPart: z.literal("HEAD"), notice: z.string() }),
  training: z.object({
    data: z.string(),
    split: z.string(),
    patients: z.int(),
    slices: z.int(),
    licence: z.string(),
  }),
  /** Headline figures of the validation fold by name. */
  headline: z.record(z.string(), z.number()),
});

/** What a detector file says of itself. */
export type DetectorInfo = z.infer<typeof detectorInfoSchema>;

/** The answers of a detector for a run of neighbouring slices. */
export interface DetectorAnswer {
  /** [slices, 6] */
  readonly sliceLogits: Float32Array;
  /** [6]: the largest of each label over the slices. */
  readonly studyLogits: Float32Array;
  /** [slices, 6, h, w]; a slice's map has its logit as mean. Absent where the network has no places. */
  readonly evidence: { readonly data: Float32Array; readonly shape: readonly number[] } | undefined;
}

/** A detector file, opened. */
export interface Detector {
  readonly info: DetectorInfo;
  /** SHA-256 of the file. */
  readonly hash: string;
  /** Scores `slices` slices; `hu` is [slices, neighbours, size, size] as `stackNeighbours` makes it. */
  score(hu: Float32Array, slices: number): Promise<DetectorAnswer>;
  close(): Promise<void>;
}

/**
 * The detector file of a network that was built for "slices": parameters become constants, the study's logits the
 * largest of its slices, batch normalisation goes into the convolutions in front of it, and channels between convolutions
 * are filled up to whole blocks. Equal inputs give equal bytes: no clock, no path.
 */
export function exportDetector(network: Network, state: NetworkState, info: DetectorInfo): Uint8Array {
  const graph = withConstants(network, state);
  const shown = graph.outputs.filter(({ name }) => name === "slice_logits" || name === "evidence");
  const g = buildGraph(graph.name, graph);
  const logits = shown.find(({ name }) => name === "slice_logits");
  if (logits === undefined) throw new Error("the network has no slice_logits");
  for (const value of shown) g.output(value, value.name);
  g.output(g.node("ReduceMax", [logits, g.axes([0])], { keepdims: int(0) }), "study_logits");
  return encodeModel({
    graph: fillBlocks(foldBatchNormalization(g.finish())),
    functions: [],
    metadata: { ichor: JSON.stringify(info) },
  });
}

/** What a detector file says of itself. Problems: not ONNX, not ours, another version. */
export function parseDetectorInfo(bytes: Uint8Array, where: string): Result<DetectorInfo> {
  const metadata = readModelMetadata(bytes, where);
  if (metadata.kind === "problem") return metadata;
  const next = "name a model.onnx that `ichor train` of this version wrote";
  const text = metadata.value["ichor"];
  if (text === undefined) {
    return fail({
      kind: "not a detector",
      where,
      got: "an ONNX file without the metadata `ichor`",
      expected: "a detector that Ichor wrote",
      next,
    });
  }
  const parsed = detectorInfoSchema.safeParse(parseJson(text));
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const expected = `metadata of format version 1 (${issue?.message ?? "schema"})`;
  return fail({
    kind: "detector of another version",
    where: `${where}: metadata ichor.${issue?.path.join(".") ?? ""}`,
    got: versionOf(text),
    expected,
    next,
  });
}

/** Opens a detector file. Problems: as `parseDetectorInfo`, an unreadable file, a graph that does not run. */
export async function openDetector(
  path: string,
  options: { readonly threads?: number; readonly provider?: string | undefined } = {},
): Promise<Result<Detector>> {
  const bytes = fileResult(path, () => readFileSync(path));
  return bytes.kind === "problem" ? bytes : detectorFromBytes(bytes.value, { ...options, where: path });
}

/** Opens a detector from its bytes, e.g. to validate a network that is still being trained. */
export async function detectorFromBytes(
  bytes: Uint8Array,
  {
    threads,
    provider,
    where = "detector",
  }: { readonly threads?: number; readonly provider?: string | undefined; readonly where?: string } = {},
): Promise<Result<Detector>> {
  const info = parseDetectorInfo(bytes, where);
  if (info.kind === "problem") return info;
  const opened = await openForward(bytes, {
    where,
    ...(threads === undefined ? {} : { threads }),
    ...(provider === undefined ? {} : { provider }),
  });
  if (opened.kind === "problem") return opened;
  const hash = createHash("sha256").update(bytes).digest("hex");
  return ok({
    info: info.value,
    hash,
    score: (hu, slices) => score(opened.value, info.value, { hu, slices }),
    close: () => opened.value.close(),
  });
}

async function score(
  executor: Executor,
  info: DetectorInfo,
  { hu, slices }: { hu: Float32Array; slices: number },
): Promise<DetectorAnswer> {
  const { size } = info.preprocessing;
  const answers = await executor.run({ hu: shaped(hu, [slices, info.neighbours, size, size]) });
  const float = (name: string) => {
    const data = answers[name]?.data;
    if (!(data instanceof Float32Array)) throw new Error(`the detector gave no ${name}`);
    return data;
  };
  const evidence = answers["evidence"];
  return {
    sliceLogits: float("slice_logits"),
    studyLogits: float("study_logits"),
    evidence: evidence && { data: float("evidence"), shape: evidence.shape },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then says what it wanted
  }
}

function versionOf(text: string): string {
  const parsed = parseJson(text);
  const version = typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  return version === undefined ? "no version" : `version ${String(version)}`;
}
