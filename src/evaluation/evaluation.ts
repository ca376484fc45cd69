import { z } from "zod";
import { fail, ok, type Result } from "../base/index.ts";
import { folds, type Label, labels } from "../labels/index.ts";

const count = z.int().min(0);

const interval = z
  .object({
    low: z.number(),
    high: z.number(),
    rounds: count.describe("bootstrap rounds in which the figure existed"),
  })
  .describe("percentile interval of a bootstrap over patients");

const estimate = z.object({
  value: z.number().optional().describe("absent where the figure does not exist, e.g. ROC AUC with one class only"),
  interval: interval
    .optional()
    .describe(
      "absent with fewer than two patients (of each class, but for losses), or where too few rounds had the figure",
    ),
});

const figure = z.object({
  n: count.describe("slices or studies behind the figure"),
  positives: count,
  patients: count.describe("patients behind it: the units of the bootstrap"),
  positivePatients: count,
  better: z.enum(["higher", "lower"]),
  detector: estimate,
  baselines: z.object({
    prevalence: estimate.describe(
      "says of everything how frequent the label is in the train fold; absent where not known",
    ),
    nothing: estimate.describe("says 0 of everything"),
    brainArea: estimate
      .optional()
      .describe("share of the slice's pixels between 0 and 80 HU; absent where a probability is needed"),
  }),
  gain: estimate
    .extend({ over: z.enum(["brainArea", "prevalence"]) })
    .describe("how much better than a baseline, above 0 in favour of the detector; rounds are paired"),
});

const labelFigures = z.object({
  rocAuc: figure,
  averagePrecision: figure,
  logLoss: figure,
  operatingPoint: z.object({
    threshold: z.number().describe("probability at or above which the detector calls the label"),
    sensitivity: figure.describe("brain area: its sensitivity at the detector's specificity"),
    specificity: figure.describe("brain area: its specificity at the detector's sensitivity"),
  }),
});

const rocPoint = z.object({
  falsePositiveRate: z.number(),
  truePositiveRate: z.number(),
  threshold: z.number().optional().describe("called at or above it; absent at the point where nothing is called"),
});

const level = z.object({
  n: count,
  patients: count,
  labels: z.record(z.enum(labels), labelFigures),
  weightedLogLoss: figure.describe("[2 L(any) + the five types] / 7, the mean; positives are those of any"),
  roc: z
    .object({ detector: z.array(rocPoint), brainArea: z.array(rocPoint) })
    .optional()
    .describe("of the label any; absent with one class only"),
});

const provenance = z.object({
  model: z.string(),
  detector: z.string().describe("SHA-256 of model.onnx"),
  data: z.string().describe("hash of the index that was scored"),
  origin: z
    .enum(["as trained", "other"])
    .describe("whether that is the index of the training; of other data, the test fold is whom training never saw"),
  split: z.string().describe("hash of the split"),
  fold: z.enum(folds),
  trainingSeed: z.int(),
  bootstrap: z.object({ seed: z.int(), rounds: count, level: z.number(), unit: z.literal("patient") }),
  prevalence: z
    .object({ slices: count, studies: count })
    .describe("labelled slices and studies of the train fold that the prevalence was counted on; 0: not at hand"),
  command: z.string(),
});

/** `evaluation.json`, format version 1: every figure with its n, its interval and the naive baselines beside it. */
export const evaluationSchema = z.object({
  version: z.literal(1),
  provenance,
  counts: z.object({
    slices: count.describe("slices of the fold"),
    scored: count.describe("those with all six labels, which the figures are made of"),
    unlabelled: count,
    unreadable: count.describe("slices whose pixels could not be read; neither scored nor predicted"),
    studies: count,
    patients: count,
  }),
  slice: level,
  study: level.describe("a study's score is the largest of its labelled slices', and so is its label"),
});

/** What an evaluation found. */
export type Evaluation = z.infer<typeof evaluationSchema>;

/** The figures at one level: slices or studies. */
export type LevelEvaluation = z.infer<typeof level>;

/** A figure of the detector with the baselines beside it. */
export type Figure = z.infer<typeof figure>;

/** A value and its interval. */
export type Estimate = z.infer<typeof estimate>;

/** The figures of one label. */
export type LabelFigures = z.infer<typeof labelFigures>;

/** The figures of each label. */
export type FiguresByLabel = Readonly<Record<Label, LabelFigures>>;

/** Where an evaluation comes from. */
export type Provenance = z.infer<typeof provenance>;

/** A point of a stored ROC curve. */
export type StoredRocPoint = z.infer<typeof rocPoint>;

/** Reads `evaluation.json`. Problems: not JSON, not of this form or version. */
export function parseEvaluation(text: string, where: string): Result<Evaluation> {
  const problem = {
    where,
    expected: "an evaluation of format version 1",
    next: "run `ichor evaluate` on the run again",
  };
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return fail({ kind: "not JSON", got: "text that is no JSON", ...problem });
  }
  const parsed = evaluationSchema.safeParse(content);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return fail({
    kind: "not an evaluation",
    got: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`,
    ...problem,
  });
}
