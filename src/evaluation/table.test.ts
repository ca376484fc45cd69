import assert from "node:assert/strict";
import { test } from "node:test";
import { type Label, labels } from "../labels/index.ts";
import { type Estimate, type Evaluation, evaluationTable, type Figure, type LevelEvaluation } from "./index.ts";

const known: Estimate = { value: 0.8123, interval: { low: 0.7, high: 0.9004, rounds: 100 } };
const guess: Estimate = { value: 0.5 };

const figure: Figure = {
  n: 205,
  positives: 81,
  patients: 20,
  positivePatients: 9,
  better: "higher",
  detector: known,
  baselines: { prevalence: guess, nothing: guess, brainArea: known },
  gain: { over: "brainArea", value: 0.1, interval: { low: 0.01, high: 0.2, rounds: 100 } },
};

const loss: Figure = {
  ...figure,
  better: "lower",
  detector: { value: 0.2 },
  baselines: { prevalence: { value: 0.231 }, nothing: { value: 34.539 } },
  gain: { over: "prevalence", value: 0.03, interval: { low: -0.01, high: 0.2, rounds: 100 } },
};

const unknown: Figure = { ...figure, positives: 0, detector: {}, gain: { over: "brainArea" } };

const level: LevelEvaluation = {
  n: 205,
  patients: 20,
  labels: Object.fromEntries(
    labels.map((label) => [
      label,
      {
        rocAuc: label === "epidural" ? unknown : figure,
        averagePrecision: figure,
        logLoss: loss,
        operatingPoint: { threshold: 0.25, sensitivity: figure, specificity: figure },
      },
    ]),
  ) as Record<Label, LevelEvaluation["labels"][Label]>,
  weightedLogLoss: loss,
};

const hash = "0123456789abcdef".repeat(4);

const evaluation: Evaluation = {
  version: 1,
  provenance: {
    model: "cnn",
    detector: hash,
    data: hash,
    split: hash,
    origin: "as trained",
    fold: "test",
    trainingSeed: 3,
    bootstrap: { seed: 1, rounds: 100, level: 0.95, unit: "patient" },
    prevalence: { slices: 900, studies: 30 },
    command: "ichor evaluate --run run",
  },
  counts: { slices: 210, scored: 205, unlabelled: 3, unreadable: 2, studies: 21, patients: 20 },
  slice: level,
  study: { ...level, n: 1 },
};

test("the table puts the baselines beside every figure, in columns", () => {
  const lines = evaluationTable(evaluation).split("\n");
  assert.deepEqual(lines.slice(0, 12), [
    "cnn on the test fold: 210 slices, 21 studies, 20 patients",
    "left out: 3 slices without labels, 2 slices that cannot be read",
    "",
    "BY SLICE            positive (pat.) detector               brain area            prevalence nothing",
    "ROC AUC",
    "  epidural          0 of 205 (9)    –                      0.812 (0.700–0.900)   0.500      0.500",
    "  intraparenchymal  81 of 205 (9)   0.812 (0.700–0.900) *  0.812 (0.700–0.900)   0.500      0.500",
    "  intraventricular  81 of 205 (9)   0.812 (0.700–0.900) *  0.812 (0.700–0.900)   0.500      0.500",
    "  subarachnoid      81 of 205 (9)   0.812 (0.700–0.900) *  0.812 (0.700–0.900)   0.500      0.500",
    "  subdural          81 of 205 (9)   0.812 (0.700–0.900) *  0.812 (0.700–0.900)   0.500      0.500",
    "  any               81 of 205 (9)   0.812 (0.700–0.900) *  0.812 (0.700–0.900)   0.500      0.500",
    "average precision",
  ]);
  assert.ok(
    lines.includes(
      "  weighted          81 of 205 (9)   0.200                  –                     0.231      34.539",
    ),
  );
  assert.ok(lines.includes("any, called from 0.250 on"));
  assert.equal(lines.filter((line) => line.startsWith("BY STUDY")).length, 1);
  assert.equal(lines.at(-2), "detector 0123456789ab, data 0123456789ab, split 0123456789ab, training seed 3");
});

test("no line is wider than a screen of 100 columns, or ends in blanks", () => {
  for (const line of evaluationTable(evaluation).split("\n")) {
    assert.ok(line.length <= 100, line);
    assert.equal(line.trimEnd(), line);
  }
});
