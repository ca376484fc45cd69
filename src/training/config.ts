import { z } from "zod";
import { type ModelName, type ModelRow, models } from "../models/index.ts";
import { type ScheduleName, schedules } from "./schedule.ts";

/** How slices are changed at random while training, all neighbours of a slice alike. */
const augmentationSchema = z.strictObject({
  flip: z.number().min(0).max(1).describe("Probability of a left–right mirror image."),
  rotateDegrees: z.number().min(0).max(180).describe("Largest turn to either side."),
  scale: z.number().min(0).max(0.5).describe("Largest relative change of size: 0.1 is 1/1.1 to 1.1."),
  shiftPixels: z.number().min(0).max(256).describe("Largest shift along either axis."),
  noiseHu: z.number().min(0).max(200).describe("Standard deviation of noise on each pixel."),
  offsetHu: z.number().min(0).max(200).describe("Standard deviation of one offset on the slice and its neighbours."),
});

/** What "standard" stands for: a head lies a little otherwise in each scanner, and left is as good as right. */
export const standardAugmentation: z.infer<typeof augmentationSchema> = {
  flip: 0.5,
  rotateDegrees: 15,
  scale: 0.1,
  shiftPixels: 6,
  noiseHu: 0,
  offsetHu: 0,
};

const share = z.number().min(0).max(1);

/** Everything that decides what a training learns, besides the data: `run.json` holds it as resolved. */
export const trainingConfigSchema = z.strictObject({
  model: z.enum(Object.keys(models) as [ModelName, ...ModelName[]]),
  seed: z.int().nonnegative().describe("Of the first parameters, the order of the slices, augmentation and dropout."),
  split: z
    .strictObject({ seed: z.int().nonnegative(), train: share, validation: share, test: share })
    .describe(
      "The patients' split: its own seed, so that trainings with several seeds can share one split, and the fractions.",
    ),
  epochs: z.int().min(1).max(10_000),
  batchSize: z.int().min(1).max(4096),
  optimiser: z.enum(["sgd", "adamw"]),
  learningRate: z.number().positive().max(10),
  momentum: z.number().min(0).lt(1).describe("Of SGD; AdamW has its own (0.9 and 0.999)."),
  nesterov: z.boolean().optional().describe("SGD looks ahead along its momentum (Sutskever et al. 2013)."),
  rates: z
    .array(z.strictObject({ pattern: z.string().min(1), scale: z.number().min(0).max(1000) }))
    .min(1)
    .optional()
    .describe(
      'Learning rates by layer, relative to `learningRate`: `[{"pattern": "stem.*", "scale": 0.1}]`. The first pattern that fits a parameter\'s name counts.',
    ),
  schedule: z.enum(Object.keys(schedules) as [ScheduleName, ...ScheduleName[]]).describe(
    Object.entries(schedules)
      .map(([name, { what }]) => `"${name}": ${what}.`)
      .join(" "),
  ),
  warmup: z.number().min(0).max(0.5),
  dropEvery: z.int().min(1).optional().describe('Of the schedule "step": epochs; a third of all without it.'),
  dropFactor: z.number().positive().max(1).optional().describe('Of the schedule "step"; 0.1 without it.'),
  weightDecay: z.number().min(0).max(10),
  clipNorm: z
    .number()
    .positive()
    .optional()
    .describe("Gradients longer than this, all parameters together, are shortened to it; without it none are."),
  clipValue: z
    .number()
    .positive()
    .optional()
    .describe("Each number of a gradient is kept within ± this, first of all."),
  averageDecay: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      "Keeps a moving average of the parameters, of which each step keeps this share; validation and the detector use it. It is corrected as Adam's moments are: the first parameters have no weight in it.",
    ),
  accumulate: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      "Pieces of a batch that are computed one after the other, for large batches in little memory: the same step as on the whole, to rounding, but that batch normalisation sees a piece at a time.",
    ),
  workers: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe("Threads that compute pieces at the same time; without `accumulate` there is a piece for each."),
  recompute: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Less memory for more time: segments of the forward pass, of which all but the last are computed twice. 1 computes nothing twice, but takes every gradient as soon as it can.",
    ),
  lossScale: z
    .union([z.literal("dynamic"), z.number().positive()])
    .optional()
    .describe(
      'Multiplies the loss, and divides the gradient by as much. A step whose gradient is not finite is skipped; "dynamic" then halves the scale.',
    ),
  lossScaleGrowth: z
    .int()
    .min(1)
    .optional()
    .describe("Steps in a row without a skipped one after which a dynamic scale doubles; 2000 without it."),
  precision: z
    .enum(["float32", "float16"])
    .optional()
    .describe(
      '"float16": convolutions and matrix products, and those of their gradients, in half precision, where the device has it; everything else, and the detector, stays float32. Wants a `lossScale`.',
    ),
  augmentation: z.union([z.literal("none"), augmentationSchema]),
  positiveShare: z
    .union([z.literal("as found"), z.number().gt(0).lt(1)])
    .describe("Share of an epoch's slices drawn from those positive for `any`; \"as found\" leaves the data's own."),
  preprocessing: z.strictObject({
    values: z.enum(["hu", "stored"]),
    size: z.int().min(16).max(1024),
    fieldOfViewMm: z.union([z.literal("image"), z.number().min(50).max(1000)]),
    tilt: z
      .enum(["straightened", "as scanned"])
      .optional()
      .describe("Whether series of a tilted gantry are resampled along their normal; without it they are not."),
  }),
  neighbours: z
    .union([z.literal(1), z.literal(3), z.literal(5)])
    .describe("Slices a network sees at once, the slice itself in the middle."),
  width: z.int().min(1).max(512).optional().describe("Channels of the first stage, for networks that have such."),
  frozen: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Parameters that keep their first values: names, with * for any part of one, such as ["stem.*"]. A batch normalisation whose scale and bias, or one of whose running statistics, are named goes by its running statistics and keeps them.',
    ),
  backbone: z
    .strictObject({
      file: z.string().min(1).describe("An ONNX file for `imported`: see imported-networks.md."),
      sha256: z.string().optional().describe("Of that file; written into `run.json`, and held against the file."),
    })
    .optional(),
  patience: z
    .int()
    .min(1)
    .optional()
    .describe("Epochs without a better validation loss after which training stops; without it all epochs are run."),
  dataLicence: z
    .string()
    .describe("What the owner of the data allows, in the words of whoever trains; travels with the detector."),
});

/** The configuration of a training, complete. */
export type TrainingConfig = z.infer<typeof trainingConfigSchema>;

/** The configuration of a model where nobody says otherwise. */
export function defaultConfig(model: ModelName): TrainingConfig {
  const row: ModelRow = models[model];
  const { augmentation, ...defaults } = row.defaults;
  return trainingConfigSchema.parse({
    model,
    seed: 0,
    split: { seed: 0, train: 0.7, validation: 0.15, test: 0.15 },
    momentum: 0,
    warmup: 0.05,
    ...defaults,
    augmentation: augmentation === "standard" ? standardAugmentation : augmentation,
    preprocessing: row.preprocessing,
    neighbours: row.neighbours,
    ...(row.width === undefined ? {} : { width: row.width }),
    dataLicence: "not stated",
  });
}

/** The keys that differ between two configurations, each with both values: "learningRate: 0.1, now 0.2". */
export function configDifferences(before: TrainingConfig, now: TrainingConfig): readonly string[] {
  const [old, fresh] = [flatten(before), flatten(now)];
  const keys = [...new Set([...old.keys(), ...fresh.keys()])];
  return keys
    .filter((key) => old.get(key) !== fresh.get(key))
    .map((key) => `${key}: ${old.get(key) ?? "not set"}, now ${fresh.get(key) ?? "not set"}`);
}

/** Dotted key → JSON text, leaves only. */
export function flatten(value: object, prefix = ""): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue;
    if (typeof part !== "object") flat.set(prefix + key, JSON.stringify(part));
    else for (const [inner, text] of flatten(part, `${prefix}${key}.`)) flat.set(inner, text);
  }
  return flat;
}
