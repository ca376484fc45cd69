import { gradientProgram, initialVectors, trainingProgram, updateProgram } from "../autodiff/index.ts";
import { type Result, random, sizeOf } from "../base/index.ts";
import { labels } from "../labels/index.ts";
import { openThread } from "../machine/index.ts";
import {
  type DetectorInfo,
  exportDetector,
  initialise,
  type ModelRow,
  models,
  type NetworkState,
} from "../models/index.ts";
import type { Graph } from "../onnx/index.ts";
import {
  openSharedSession,
  openTrainingThread,
  type ThreadedSession,
  type TrainingState,
  type TrainingThread,
} from "../runtime/index.ts";
import type { TrainingConfig } from "./config.ts";
import type { Work } from "./run-data.ts";
import type { Standardisation } from "./standardisation.ts";
import { piecesOf, type Scaling, stepScalars, stepSettings } from "./update-settings.ts";

/** What a detector says of itself that only the run knows. */
export interface DetectorFacts extends Pick<DetectorInfo, "operatingPoints" | "training" | "headline"> {}

/** A network ready to be trained: its step as a graph, its start, its feeds, and the way to a detector file. */
export interface Engine {
  readonly program: ReturnType<typeof trainingProgram>;
  /** State vectors before the first step. */
  readonly initial: TrainingState;
  /** State vectors of a checkpoint, completed with what does not change. */
  restore(state: TrainingState): TrainingState;
  /** What the step after `taken` steps of `steps` wants besides batch and state. */
  feeds(taken: number, steps: number, scaling?: Scaling): Readonly<Record<string, Float32Array>>;
  /** Opens the step, in threads of its own, which can make batches too: `openStepThread`. Problems as `openTrainingSession`. */
  open(state: TrainingState, options: Pick<Work, "threads" | "provider">): Promise<Result<ThreadedSession>>;
  /** The bytes of `model.onnx`; equal for equal arguments. */
  detector(state: NetworkState, facts: DetectorFacts): Uint8Array;
}

/** What an engine is built from. */
export interface EngineSettings {
  readonly config: TrainingConfig;
  /** Slices of a step. */
  readonly batchSize: number;
  readonly standardisation: Standardisation | undefined;
  /** The graph of the backbone's file, for models that are built around one. */
  readonly backbone?: Graph | undefined;
}

/** Operating points before the validation fold has chosen any. */
export const evenOperatingPoints = Object.fromEntries(
  labels.map((label) => [label, 0.5]),
) as DetectorInfo["operatingPoints"];

/** Builds the network, its training step and its first state: from configuration and seed alone. */
export function buildEngine({ config, batchSize, standardisation, backbone }: EngineSettings): Engine {
  const row: ModelRow = models[config.model];
  const settings = {
    size: config.preprocessing.size,
    neighbours: config.neighbours,
    ...(config.width === undefined ? {} : { width: config.width }),
    ...(standardisation === undefined ? {} : { standardisation }),
    ...(backbone === undefined ? {} : { backbone }),
  };
  const network = row.build(settings, batchSize);
  const shipped = row.build(settings, "slices");
  if (network.parameters.some(({ name }, at) => name !== shipped.parameters[at]?.name)) {
    throw new Error("the parameters of the network depend on its batch: export it with fixed rows and columns");
  }
  const asked = stepSettings(config);
  const program = trainingProgram(network, asked);
  const { frozen, rates } = config;
  const initial = initialVectors(program, network, initialise(network, config.seed), {
    ...(frozen === undefined ? {} : { frozen }),
    ...(rates === undefined ? {} : { rates }),
  });
  const pieces = piecesOf(config);
  const halves = () => ({
    gradient: gradientProgram(row.build(settings, batchSize / pieces), asked),
    update: updateProgram(initial["parameters"]!.length, asked),
  });
  return {
    program,
    initial,
    restore: (state) => ({ ...initial, ...state }),
    feeds: (taken, steps, scaling) => ({
      ...stepScalars(config, { taken, steps, scaling }),
      ...dropoutMasks(program, { seed: config.seed, taken }),
    }),
    open: (state, { threads, provider = "cpu" }) => {
      const options = { threads, provider, precision: config.precision ?? "float32", openThread: openStepThread };
      return pieces === 1
        ? openTrainingThread(program, state, options)
        : openSharedSession(halves(), state, { ...options, pieces, workers: config.workers ?? 1 });
    },
    detector: (state, facts) => exportDetector(shipped, state, describeDetector(config, facts)),
  };
}

/** A thread for a training session whose steps name their batches (`BatchTask`) instead of bringing them. */
export const openStepThread = (): TrainingThread => openThread(import.meta.url, "./step-worker");

/** Uniform numbers for each dropout of a step, by seed and step: the same wherever and whenever it is run. */
function dropoutMasks(
  program: Engine["program"],
  { seed, taken }: { readonly seed: number; readonly taken: number },
): Record<string, Float32Array> {
  const masks: Record<string, Float32Array> = {};
  for (const { name, shape } of program.feeds) {
    if (!name.endsWith("_uniform")) continue;
    const source = random(seed, "dropout", name, taken);
    masks[name] = Float32Array.from({ length: sizeOf(shape) }, () => source.uniform());
  }
  return masks;
}

function describeDetector(config: TrainingConfig, facts: DetectorFacts): DetectorInfo {
  const row: ModelRow = models[config.model];
  return {
    version: 1,
    model: config.model,
    labels: [...labels],
    preprocessing: config.preprocessing,
    neighbours: config.neighbours,
    windows: row.windows.map(({ name, center, width }) => ({ name, center, width })),
    evidence: row.evidence,
    calibration: { kind: "none" },
    scope: {
      modality: "CT",
      bodyPart: "HEAD",
      notice: "For research and teaching. Not a medical device; no clinical decision may rest on it.",
    },
    ...facts,
  };
}
