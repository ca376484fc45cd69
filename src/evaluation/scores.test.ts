import assert from "node:assert/strict";
import { test } from "node:test";
import { must, permutation, random } from "../base/index.ts";
import { anyIndex, type Label, labelCount, labels } from "../labels/index.ts";
import { averagePrecision, logLoss, rocAuc, weightedLogLoss } from "../metrics/index.ts";
import {
  brainArea,
  type Evaluation,
  evaluateScores,
  evaluationSchema,
  evaluationTable,
  parseEvaluation,
  prevalenceOf,
  type ScoredSlices,
  type ScoresInput,
} from "./index.ts";

const hash = "0123456789abcdef".repeat(4);

/** Patients of two studies each, every third with bleeds in its middle slices, scored well. */
function drawn({ patients, slices }: { readonly patients: number; readonly slices: number }): ScoredSlices {
  const source = random(8, "scored slices");
  const rows = Array.from({ length: patients * slices }, (_, row) => {
    const patient = Math.floor(row / slices);
    const place = (row % slices) / slices;
    const area = Math.max(0, 0.4 - (place - 0.5) ** 2 + 0.05 * source.normal());
    const types = labels.map((label) =>
      label !== "any" && patient % 3 === 0 && place > 0.3 && place < 0.7 ? source.uniform() < 0.4 : false,
    );
    const six = types.map((positive, label) => (label === anyIndex ? types.includes(true) : positive));
    const scores = six.map((positive) => 1 / (1 + Math.exp(-(source.normal() + (positive ? 2 : -2)))));
    return { patient: `patient ${patient}`, study: `study ${patient}/${row % 2}`, area, six, scores };
  });
  return {
    probabilities: Float32Array.from(rows.flatMap(({ scores }) => scores)),
    labels: Float32Array.from(rows.flatMap(({ six }) => six.map(Number))),
    patients: rows.map(({ patient }) => patient),
    studies: rows.map(({ study }) => study),
    brainArea: rows.map(({ area }) => area),
  };
}

function inputOf(slices: ScoredSlices, rounds = 100): ScoresInput {
  const shares = [0.004, 0.048, 0.035, 0.048, 0.063, 0.144];
  return {
    slices,
    prevalence: { slice: shares, study: shares.map((share) => 2 * share), slices: 1000, studies: 30 },
    operatingPoints: Object.fromEntries(labels.map((label) => [label, 0.5])) as Record<Label, number>,
    bootstrap: { rounds, seed: 7 },
    unreadable: 0,
    source: {
      model: "cnn",
      detector: hash,
      data: hash,
      split: hash,
      origin: "as trained",
      fold: "test",
      trainingSeed: 1,
      command: "ichor evaluate",
    },
  };
}

function columnOf(values: ArrayLike<number>, label: number): number[] {
  return Array.from(values).filter((_, at) => at % labelCount === label);
}

test("slice figures are the metrics of the slices, the baselines those of their guesses", () => {
  const slices = drawn({ patients: 12, slices: 10 });
  const { slice, counts } = evaluateScores(inputOf(slices));
  assert.deepEqual(counts, { slices: 120, scored: 120, unlabelled: 0, unreadable: 0, studies: 24, patients: 12 });
  for (const [index, label] of labels.entries()) {
    const figures = slice.labels[label];
    const [scores, truth] = [columnOf(slices.probabilities, index), columnOf(slices.labels, index)];
    assert.equal(figures.rocAuc.detector.value, rocAuc(scores, truth));
    assert.equal(figures.rocAuc.baselines.brainArea?.value, rocAuc(slices.brainArea, truth));
    assert.equal(figures.rocAuc.baselines.prevalence.value, 0.5);
    assert.equal(figures.averagePrecision.detector.value, averagePrecision(scores, truth));
    assert.equal(figures.logLoss.detector.value, logLoss(scores, truth));
    assert.equal(
      figures.logLoss.baselines.nothing.value,
      logLoss(
        truth.map(() => 0),
        truth,
      ),
    );
    assert.equal(figures.logLoss.baselines.brainArea, undefined);
    assert.equal(figures.rocAuc.positives, truth.filter((one) => one === 1).length);
    assert.equal(
      figures.rocAuc.gain.value,
      figures.rocAuc.detector.value! - figures.rocAuc.baselines.brainArea!.value!,
    );
    assert.ok(figures.rocAuc.detector.interval!.low <= figures.rocAuc.detector.value!);
    assert.ok(figures.rocAuc.detector.interval!.high >= figures.rocAuc.detector.value!);
  }
  assert.equal(slice.labels.any.rocAuc.positivePatients, 4);
  assert.equal(slice.weightedLogLoss.detector.value, weightedLogLoss(slices.probabilities, slices.labels));
  assert.equal(slice.weightedLogLoss.gain.over, "prevalence");
});

test("a study scores as its highest slice, and is positive where a slice is", () => {
  const slices = drawn({ patients: 9, slices: 10 });
  const { study } = evaluateScores(inputOf(slices));
  const names = [...new Set(slices.studies)];
  const largest = (values: ArrayLike<number>) =>
    names.map((name) => Math.max(...Array.from(values).filter((_, row) => slices.studies[row] === name)));
  assert.equal(study.n, 18);
  for (const [index, label] of labels.entries()) {
    const [scores, truth] = [slices.probabilities, slices.labels].map((values) => largest(columnOf(values, index)));
    assert.equal(study.labels[label].rocAuc.detector.value, rocAuc(scores!, truth!));
    assert.equal(study.labels[label].rocAuc.baselines.brainArea?.value, rocAuc(largest(slices.brainArea), truth!));
  }
});

test("the operating point: the detector's own, and the brain area's best at the same specificity or sensitivity", () => {
  const truth = [1, 1, 1, 0, 0, 0, 0];
  const slices = {
    ...column({ any: [0.9, 0.8, 0.2, 0.6, 0.1, 0.1, 0.1], truth, area: [0.5, 0.1, 0.1, 0.6, 0.3, 0.2, 0] }),
    patients: truth.map((_, row) => `${row}`),
    studies: truth.map((_, row) => `${row}`),
  };
  const { threshold, sensitivity, specificity } = evaluateScores(inputOf(slices)).slice.labels.any.operatingPoint;
  assert.equal(threshold, 0.5);
  assert.deepEqual([sensitivity.detector.value, specificity.detector.value], [2 / 3, 3 / 4]);
  // At an area of 0.5 and more: 1 of 3 positives, 1 of 4 negatives. Two positives need 0.1: 3 of 4 negatives with them.
  assert.deepEqual([sensitivity.baselines.brainArea?.value, specificity.baselines.brainArea?.value], [1 / 3, 1 / 4]);
  assert.deepEqual([sensitivity.baselines.nothing.value, specificity.baselines.nothing.value], [0, 1]);
});

test("slices without all six labels are counted and left out", () => {
  const slices = drawn({ patients: 6, slices: 10 });
  const missing = Float32Array.from(slices.labels);
  missing[3] = Number.NaN;
  missing.fill(Number.NaN, 240); // the last two patients
  const evaluation = evaluateScores({ ...inputOf({ ...slices, labels: missing }), unreadable: 2 });
  assert.deepEqual(evaluation.counts, {
    slices: 62,
    scored: 39,
    unlabelled: 21,
    unreadable: 2,
    studies: 12,
    patients: 6,
  });
  assert.equal(evaluation.slice.n, 39);
  assert.equal(evaluation.slice.patients, 4);
  assert.equal(evaluation.study.n, 8);
});

test("labels that are shares of votes count as positive from a half on", () => {
  const votes = { ...drawn({ patients: 3, slices: 4 }) };
  const soft = Float32Array.from(votes.labels, (label) => (label === 1 ? 0.5 : 0.4));
  assert.deepEqual(evaluateScores(inputOf({ ...votes, labels: soft })), evaluateScores(inputOf(votes)));
});

test("the order of the slices changes rounding alone; the same input gives the same bytes", () => {
  const slices = drawn({ patients: 8, slices: 10 });
  const order = [...permutation(slices.patients.length, random(3))];
  const six = (values: ArrayLike<number>) =>
    order.flatMap((row) => Array.from({ length: 6 }, (_, at) => values[row * 6 + at]!));
  const shuffled = {
    probabilities: six(slices.probabilities),
    labels: six(slices.labels),
    patients: order.map((row) => slices.patients[row]!),
    studies: order.map((row) => slices.studies[row]!),
    brainArea: order.map((row) => slices.brainArea[row]!),
  };
  assert.equal(rounded(evaluateScores(inputOf(shuffled))), rounded(evaluateScores(inputOf(slices))));
  assert.deepEqual(evaluateScores(inputOf(slices)), evaluateScores(inputOf(slices)));
});

test("one class, one patient or nothing at all: figures that do not exist are absent, and the file stays valid", () => {
  const slices = drawn({ patients: 6, slices: 10 });
  const cases = {
    "no positive": { ...slices, labels: new Float32Array(slices.labels.length) },
    "one patient": { ...slices, patients: slices.patients.map(() => "one") },
    nothing: { probabilities: [], labels: [], patients: [], studies: [], brainArea: [] },
    "no label": { ...slices, labels: new Float32Array(slices.labels.length).fill(Number.NaN) },
  };
  const evaluations = Object.entries(cases).map(([name, one]): [string, Evaluation] => [
    name,
    evaluateScores(inputOf(one)),
  ]);
  for (const [name, evaluation] of evaluations) {
    const text = JSON.stringify(evaluation);
    assert.ok(!/null|NaN/.test(text), name);
    assert.deepEqual(must(parseEvaluation(text, "evaluation.json")), evaluation, name);
    assert.ok(evaluationTable(evaluation).length > 0);
  }
  const found = Object.fromEntries(evaluations);
  assert.deepEqual(found["no positive"]!.slice.labels.any.rocAuc.detector, {});
  assert.equal(found["no positive"]!.slice.roc, undefined);
  assert.ok(found["no positive"]!.slice.weightedLogLoss.detector.interval !== undefined);
  assert.deepEqual(Object.keys(found["one patient"]!.slice.labels.any.rocAuc.detector), ["value"]);
  assert.equal(found["nothing"]!.slice.n, 0);
  assert.deepEqual(found["no label"]!.slice.weightedLogLoss.detector, {});
});

test("where a single patient bleeds, rankings have no interval, as no round could do without that patient", () => {
  const slices = drawn({ patients: 6, slices: 10 });
  const labelsOfOne = Float32Array.from(slices.labels, (label, at) => (at < 10 * labelCount ? label : 0));
  const { any } = evaluateScores(inputOf({ ...slices, labels: labelsOfOne })).slice.labels;
  assert.deepEqual([any.rocAuc.positivePatients, any.rocAuc.patients], [1, 6]);
  for (const figure of [any.rocAuc, any.averagePrecision, any.operatingPoint.sensitivity]) {
    assert.deepEqual(Object.keys(figure.detector), ["value"]);
    assert.deepEqual(Object.keys(figure.gain).sort(), ["over", "value"]);
  }
  assert.ok(any.logLoss.detector.interval !== undefined);
});

test("stored ROC curves go from corner to corner and stay short", () => {
  const { roc } = evaluateScores(inputOf(drawn({ patients: 100, slices: 20 }), 1)).slice;
  for (const points of [roc!.detector, roc!.brainArea]) {
    assert.ok(points.length > 20 && points.length <= 200, `${points.length} points`);
    assert.deepEqual(points[0], { falsePositiveRate: 0, truePositiveRate: 0 });
    assert.deepEqual([points.at(-1)!.falsePositiveRate, points.at(-1)!.truePositiveRate], [1, 1]);
  }
});

test("prevalence is counted on labelled slices and on their studies", () => {
  const none = [Number.NaN, 0, 0, 0, 0, 0];
  const labelled = [[0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0], none];
  const prevalence = prevalenceOf({
    labels: labelled.flat(),
    patients: ["a", "a", "a", "b", "c"],
    studies: ["1", "1", "2", "1", "3"],
  });
  assert.deepEqual(prevalence.slice, [0, 0.25, 0, 0, 0.25, 0.5]);
  assert.deepEqual(prevalence.study, [0, 1 / 3, 0, 0, 1 / 3, 2 / 3]);
  assert.deepEqual([prevalence.slices, prevalence.studies], [4, 3]);
});

test("a prevalence that is not known leaves its baseline out, and the gain over it", () => {
  const input = inputOf(drawn({ patients: 6, slices: 10 }));
  const { slice, study } = evaluateScores({ ...input, prevalence: { ...input.prevalence, study: undefined } });
  assert.deepEqual(study.labels.any.logLoss.baselines.prevalence, {});
  assert.deepEqual(study.labels.any.logLoss.gain, { over: "prevalence" });
  assert.deepEqual(study.weightedLogLoss.baselines.prevalence, {});
  assert.ok(study.labels.any.logLoss.detector.value !== undefined);
  assert.ok(slice.labels.any.logLoss.baselines.prevalence.value !== undefined);
});

test("brain area counts the pixels from 0 to 80 HU", () => {
  assert.equal(brainArea(Int16Array.of(-1, 0, 40, 80, 81, -1000, 32767, -32768)), 3 / 8);
  assert.equal(brainArea(Int16Array.of(1023, 1024, 1104, 1105), -1024), 1 / 2);
  assert.equal(brainArea(new Int16Array(0)), 0);
});

test("an evaluation of another version or none is refused", () => {
  const kinds = ["{", "{}", '{"version":2}'].map((text) => {
    const parsed = parseEvaluation(text, "evaluation.json");
    return parsed.kind === "problem" ? parsed.problem.kind : "ok";
  });
  assert.deepEqual(kinds, ["not JSON", "not an evaluation", "not an evaluation"]);
  assert.ok(evaluationSchema.safeParse(evaluateScores(inputOf(drawn({ patients: 3, slices: 4 })))).success);
});

/** Slices of which only the label `any` says something. */
function column({ any, truth, area }: { readonly any: number[]; readonly truth: number[]; readonly area: number[] }) {
  const six = (values: readonly number[]) => values.flatMap((value) => [0, 0, 0, 0, 0, value]);
  return { probabilities: six(any), labels: six(truth), brainArea: area };
}

function rounded(evaluation: Evaluation): string {
  return JSON.stringify(evaluation, (_, value) => (typeof value === "number" ? Number(value.toPrecision(9)) : value));
}
