import { z } from "zod";
import { labels } from "../labels/index.ts";

/** What every findings file says of its own standing. */
export const notice = "Research software. Not a medical device. Not for diagnosis or for any decision about a patient.";

const labelSchema = z.enum(labels);
const probabilitiesSchema = z.record(labelSchema, z.number().min(0).max(1));
const decisionsSchema = z.record(labelSchema, z.enum(["positive", "negative"]));

const boxSchema = z
  .object({ left: z.int().min(0), top: z.int().min(0), right: z.int().min(1), bottom: z.int().min(1) })
  .describe("edges in pixels of the stored slice: columns left … right − 1 and rows top … bottom − 1 lie inside");

const evidenceSchema = z.object({
  label: labelSchema,
  boxes: z.array(boxSchema).describe("regions of at least half the map's peak, the heaviest first, at most three"),
  peak: z
    .object({ column: z.number(), row: z.number(), logit: z.number() })
    .describe("centre of the map's largest cell in pixels of the stored slice, and the map's value there"),
});

const sliceSchema = z.object({
  sliceId: z.string().describe("as in predictions.csv"),
  sop: z.string().describe("SOP instance UID"),
  file: z.string(),
  frame: z.int().min(1).optional().describe("number of the frame in the file, absent where the file is the slice"),
  alongNormalMm: z.number().optional().describe("position along the slice normal, mm, absent where the file has none"),
  probabilities: probabilitiesSchema,
  decisions: decisionsSchema,
  evidence: z.array(evidenceSchema).describe("one entry for each positive label of which the map shows a place"),
});

const seriesSchema = z.object({
  uid: z.string(),
  slices: z.int().min(0).describe("slices that were scored, or that a series which was not read has"),
  because: z.string().describe("why the series was read, or why not: see how-series-are-chosen.md"),
  thicknessMm: z.number().optional().describe("of a slice, or the spacing where the headers do not say it"),
  kernel: z.string().optional().describe("the maker's name of the convolution kernel"),
  spacingMm: z.number().optional().describe("median distance of neighbouring slices along the normal, mm"),
  tiltDegrees: z.number().optional().describe("angle between the slice normal and the table's axis"),
});

const otherSeriesSchema = z
  .array(
    seriesSchema.extend({
      status: z.enum(["not chosen", "set aside"]).describe("a head CT that could have been read, or none to read"),
    }),
  )
  .describe("series that were not read: nothing is said of their slices");

const analysedSchema = z.object({
  status: z.literal("analysed"),
  study: z.string().describe("study instance UID"),
  series: seriesSchema.extend({
    straightened: z.boolean().describe("whether it was resampled along its normal, as the gantry was tilted"),
  }),
  otherSeries: otherSeriesSchema,
  probabilities: probabilitiesSchema.describe("of the study: the largest of the series' slices, not calibrated"),
  decisions: decisionsSchema,
  notes: z.array(z.string()),
  slices: z.array(sliceSchema).describe("slices of the chosen series from feet to head"),
});

const notAnalysedSchema = z.object({
  status: z.literal("not analysed"),
  study: z.string().describe("study instance UID"),
  reason: z.string(),
  otherSeries: otherSeriesSchema,
});

const ledgerRowSchema = z.object({
  path: z.string(),
  status: z.enum(["used", "set aside", "failed"]),
  kind: z.string(),
  detail: z.string(),
});

/** `findings.json`, format version 2. */
export const findingsSchema = z.object({
  version: z.literal(2),
  notAMedicalDevice: z.literal(notice),
  detector: z.object({
    hash: z.string().describe("SHA-256 of the detector file"),
    model: z.string(),
    headline: z.record(z.string(), z.number()).describe("figures of the validation fold by name"),
    operatingPoints: z.record(labelSchema, z.number().min(0).max(1)).describe("positive at or above"),
    evidence: z.enum(["class activation", "none"]),
    scope: z.string(),
  }),
  studies: z.array(z.discriminatedUnion("status", [analysedSchema, notAnalysedSchema])),
  ledger: z.object({
    found: z.int().min(0),
    used: z.int().min(0),
    setAside: z.int().min(0),
    failed: z.int().min(0),
    reasons: z.record(z.string(), z.int().min(0)),
    rows: z.array(ledgerRowSchema).describe("the files that were not used; ledger.csv has them all"),
  }),
});

/** What a detector says of the studies it was shown. */
export type Findings = z.infer<typeof findingsSchema>;

/** The record of one study. */
export type StudyFinding = Findings["studies"][number];

/** The record of a study that was analysed. */
export type AnalysedStudy = Extract<StudyFinding, { status: "analysed" }>;

/** The finding in one slice. */
export type SliceFinding = AnalysedStudy["slices"][number];

/** What is said of a series that was not read. */
export type OtherSeries = AnalysedStudy["otherSeries"][number];

/** Where in a slice a positive label comes from. */
export type Evidence = SliceFinding["evidence"][number];

/** A rectangle of pixels of the stored slice. */
export type Box = Evidence["boxes"][number];

/** `docs/findings.schema.json`: the JSON Schema of `findings.json` as text. */
export function findingsJsonSchema(): string {
  const schema = z.toJSONSchema(findingsSchema, { io: "output" });
  return `${JSON.stringify({ title: "Ichor findings, format version 2", ...schema }, undefined, 2)}\n`;
}
