import type { Preprocessing } from "../ct/index.ts";
import type { Network } from "../onnx/index.ts";
import { cnn, cnnWindows } from "./cnn.ts";
import { imported } from "./imported.ts";
import type { NamedWindow } from "./layers.ts";
import { brainWindow, mlp2020 } from "./mlp2020.ts";
import type { Batch, NetworkSettings } from "./network-settings.ts";

/** How a model is trained unless the configuration says otherwise. */
export interface TrainingDefaults {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimiser: "sgd" | "adamw";
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly schedule: "constant" | "cosine";
  readonly augmentation: "none" | "standard";
  /** Share of each epoch's slices drawn from those with any hemorrhage; "as found" leaves the data's own. */
  readonly positiveShare: number | "as found";
}

/** A network that can be trained: what it is, what it wants, how it is built. */
export interface ModelRow {
  readonly summary: string;
  readonly preprocessing: Preprocessing;
  readonly neighbours: number;
  readonly width?: number;
  readonly windows: readonly NamedWindow[];
  readonly evidence: "class activation" | "none";
  /** Whether the network wants each pixel standardised, and which value it standardises. */
  readonly standardised: "none" | ((value: number) => number);
  readonly defaults: TrainingDefaults;
  readonly build: (settings: NetworkSettings, batch: Batch) => Network;
}

/** The notebook's own settings: SGD 0.1, batch 256, 50 epochs, three quarters of the slices with hemorrhage. */
const notebook: TrainingDefaults = {
  epochs: 50,
  batchSize: 256,
  optimiser: "sgd",
  learningRate: 0.1,
  weightDecay: 0,
  schedule: "constant",
  augmentation: "none",
  positiveShare: 0.75,
};

/** One row a network. A new one: a function that writes its graph, and a row. */
export const models = {
  mlp2020: {
    summary: "the dense network of the 2020 notebook on stored values, 50×50 (iteration 1)",
    preprocessing: { values: "stored", size: 50, fieldOfViewMm: "image", tilt: "as scanned" },
    neighbours: 1,
    windows: [],
    evidence: "none",
    standardised: (value) => value,
    defaults: notebook,
    build: (settings, batch) => mlp2020(settings, batch, undefined),
  },
  "mlp2020-brain": {
    summary: "the dense network of the 2020 notebook on HU in a brain window, 50×50 (iteration 2)",
    preprocessing: { values: "hu", size: 50, fieldOfViewMm: "image", tilt: "as scanned" },
    neighbours: 1,
    windows: [brainWindow],
    evidence: "none",
    standardised: (hu) => Math.min(1, Math.max(0, (hu - brainWindow.center) / brainWindow.width + 0.5)),
    defaults: notebook,
    build: (settings, batch) => mlp2020(settings, batch, brainWindow),
  },
  cnn: {
    summary: "a small CNN on HU: three windows of three neighbouring slices, 128×128, evidence maps (iteration 3)",
    preprocessing: { values: "hu", size: 128, fieldOfViewMm: 240, tilt: "straightened" },
    neighbours: 3,
    width: 16,
    windows: cnnWindows,
    evidence: "class activation",
    standardised: "none",
    defaults: {
      epochs: 12,
      batchSize: 32,
      optimiser: "adamw",
      learningRate: 2e-3,
      weightDecay: 0.02,
      schedule: "cosine",
      augmentation: "standard",
      positiveShare: "as found",
    },
    build: cnn,
  },
  imported: {
    summary: "a network from an ONNX file (backbone.file) behind the windows of cnn, with six logits as its last layer",
    preprocessing: { values: "hu", size: 224, fieldOfViewMm: 240, tilt: "straightened" },
    neighbours: 3,
    windows: cnnWindows,
    evidence: "none",
    standardised: "none",
    defaults: {
      epochs: 12,
      batchSize: 32,
      optimiser: "adamw",
      learningRate: 3e-4,
      weightDecay: 0.02,
      schedule: "cosine",
      augmentation: "standard",
      positiveShare: "as found",
    },
    build: imported,
  },
} as const satisfies Record<string, ModelRow>;

/** Name of a model. */
export type ModelName = keyof typeof models;
