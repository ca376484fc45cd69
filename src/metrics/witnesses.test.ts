import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { type Random, random } from "../base/index.ts";
import { type MetricName, metrics, rocCurve, weightedLogLoss } from "./index.ts";

// Each metric against two witnesses: its definition as a slow loop, and scikit-learn where it is installed.

/** What scikit-learn is held to, relative to the figure or to 1; both sides are float64. */
const tolerance = 1e-9;

/** A sample for the tests, with how often each row counts. */
interface TestSample {
  readonly name: string;
  readonly scores: readonly number[];
  readonly labels: readonly number[];
  readonly counts: readonly number[];
}

type Witness = (scores: readonly number[], labels: readonly number[]) => number | undefined;

/** Second witnesses: the definitions as slow loops. */
const witnesses: Readonly<Record<Exclude<MetricName, "weightedLogLoss">, Witness>> = {
  rocAuc(scores, labels) {
    let pairs = 0;
    let won = 0;
    for (const [one, positive] of labels.entries()) {
      for (const [other, negative] of labels.entries()) {
        if (positive !== 1 || negative !== 0) continue;
        pairs++;
        won += scores[one]! > scores[other]! ? 1 : scores[one] === scores[other] ? 0.5 : 0;
      }
    }
    return pairs > 0 ? won / pairs : undefined;
  },
  averagePrecision(scores, labels) {
    const positives = labels.filter((label) => label === 1).length;
    let sum = 0;
    let recall = 0;
    for (const threshold of [...new Set(scores)].sort((one, other) => other - one)) {
      const called = labels.filter((_, row) => scores[row]! >= threshold);
      const hits = called.filter((label) => label === 1).length;
      sum += (hits / positives - recall) * (hits / called.length);
      recall = hits / positives;
    }
    return positives > 0 ? sum : undefined;
  },
  logLoss(scores, labels) {
    const losses = scores.map((score, row) => {
      const p = Math.min(Math.max(score, 1e-15), 1 - 1e-15);
      return -(labels[row]! * Math.log(p) + (1 - labels[row]!) * Math.log(1 - p));
    });
    return mean(losses);
  },
  brierScore: (scores, labels) => mean(scores.map((score, row) => (score - labels[row]!) ** 2)),
};

test("each metric equals its definition as a slow loop, with rows repeated or counted", () => {
  for (const { name, scores, labels, counts } of testSamples().filter(({ labels: { length } }) => length <= 100)) {
    const repeat = (values: readonly number[]) => values.flatMap((value, row) => Array(counts[row]!).fill(value));
    for (const [metric, witness] of Object.entries(witnesses)) {
      const statistic = metrics[metric as MetricName].prepare({ scores, labels });
      close(statistic(), witness(scores, labels), `${metric}, ${name}`);
      close(statistic(counts), witness(repeat(scores), repeat(labels)), `${metric} counted, ${name}`);
    }
  }
});

test("every metric of one label has a second witness", () => {
  const names = Object.entries(metrics).flatMap(([name, { takes }]) => (takes === "one label" ? [name] : []));
  assert.deepEqual(Object.keys(witnesses).sort(), names.sort());
});

// Debian's interpreter with its package python3-sklearn, and no other that may come first in the path.
const python = "/usr/bin/python3";
const missing = spawnSync(python, ["-c", "import sklearn.metrics"]).status !== 0;
const skip = missing ? "Debian's python3-sklearn is not installed" : false;

/** One answer a sample: figures, and None where scikit-learn refuses or the statistic does not exist. */
const program = `
import inspect, json, sys, warnings
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve
warnings.simplefilter("ignore")
clip = dict(eps=1e-15) if "eps" in inspect.signature(log_loss).parameters else {}  # gone since 1.5

def figures(scores, labels, counts):
    kept = [i for i, c in enumerate(counts) if c > 0]
    if not kept:
        return dict(rocAuc=None, averagePrecision=None, logLoss=None, brierScore=None)
    y, p, w = ([values[i] for i in kept] for values in (labels, scores, counts))
    both = len(set(y)) == 2
    return dict(
        rocAuc=roc_auc_score(y, p, sample_weight=w) if both else None,
        averagePrecision=average_precision_score(y, p, sample_weight=w) if any(y) else None,
        logLoss=log_loss(y, p if clip else [min(max(q, 1e-15), 1 - 1e-15) for q in p], labels=[0, 1], sample_weight=w, **clip),
        brierScore=brier_score_loss(y, p, sample_weight=w, pos_label=1),
    )

def curve(scores, labels):
    if len(set(labels)) < 2:
        return None
    return [list(column) for column in roc_curve(labels, scores, drop_intermediate=False)[:2]]

answers = []
for s in json.load(sys.stdin):
    ones = [1] * len(s["labels"])
    answers.append(dict(
        plain=figures(s["scores"], s["labels"], ones),
        counted=figures(s["scores"], s["labels"], s["counts"]),
        curve=curve(s["scores"], s["labels"]),
    ))
json.dump(answers, sys.stdout)
`;

type Figures = Readonly<Record<"rocAuc" | "averagePrecision" | "logLoss" | "brierScore", number | null>>;
interface Answer {
  readonly plain: Figures;
  readonly counted: Figures;
  readonly curve: readonly [number[], number[]] | null;
}

function ask(samples: readonly TestSample[]): readonly Answer[] {
  const run = spawnSync(python, ["-c", program], { input: JSON.stringify(samples), maxBuffer: 2 ** 28 });
  assert.equal(run.status, 0, run.stderr.toString());
  return JSON.parse(run.stdout.toString());
}

test("ROC AUC, average precision, log loss and Brier score equal scikit-learn's", { skip }, () => {
  const samples = testSamples();
  const answers = ask(samples);
  for (const [index, { name, scores, labels, counts }] of samples.entries()) {
    const { plain, counted } = answers[index]!;
    for (const metric of ["rocAuc", "averagePrecision", "logLoss", "brierScore"] as const) {
      const statistic = metrics[metric].prepare({ scores, labels });
      close(statistic(), plain[metric] ?? undefined, `${metric}, ${name}`);
      close(statistic(counts), counted[metric] ?? undefined, `${metric} counted, ${name}`);
    }
  }
});

test("the ROC curve is scikit-learn's", { skip }, () => {
  const samples = testSamples();
  for (const [index, { curve }] of ask(samples).entries()) {
    const { name, scores, labels } = samples[index]!;
    const points = rocCurve(scores, labels);
    assert.equal(points === undefined, curve === null, name);
    assert.equal(points?.length, curve?.[0].length, name);
    for (const [at, point] of points?.entries() ?? []) {
      close(point.falsePositiveRate, curve![0][at]!, name);
      close(point.truePositiveRate, curve![1][at]!, name);
    }
  }
});

test("weighted log loss is what scikit-learn's log losses add up to", { skip }, () => {
  const six = testSamples()
    .filter(({ labels }) => labels.length === 100)
    .slice(0, 6);
  const losses = ask(six).map(({ plain }) => plain.logLoss!);
  const rows = (values: (sample: TestSample) => readonly number[]) =>
    Array.from({ length: 600 }, (_, at) => values(six[at % 6]!)[Math.floor(at / 6)]!);
  const loss = weightedLogLoss(
    rows(({ scores }) => scores),
    rows(({ labels }) => labels),
  );
  close(loss, (losses.reduce((sum, one) => sum + one, 0) + losses[5]!) / 7, "weighted log loss");
});

/** Random and degenerate samples of one label: ties of all kinds, one class only, certainties that are wrong. */
function testSamples(): readonly TestSample[] {
  const source = random(8, "metric samples");
  const samples = [1, 2, 3, 10, 100, 1000].flatMap((size) =>
    [0.02, 0.3, 0.5, 1].flatMap((share) => [2, 5, 1e9].map((steps) => draw(source, { size, share, steps }))),
  );
  const fixed = (name: string, scores: number[], labels: number[]) => ({
    name,
    scores,
    labels,
    counts: labels.map(() => 1),
  });
  return [
    ...samples,
    fixed("all tied", [0.5, 0.5, 0.5, 0.5], [0, 1, 1, 0]),
    fixed("perfect", [0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0]),
    fixed("upside down", [0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]),
    fixed("certain and wrong", [0, 1, 0, 1], [1, 0, 0, 1]),
    fixed("beyond the clip", [1e-20, 1 - 1e-16, 1e-15, 1e-14], [1, 0, 1, 0]),
    fixed("only negatives", [0.1, 0.7], [0, 0]),
    fixed("only positives", [0.1, 0.7], [1, 1]),
    fixed("one row", [0.3], [1]),
  ];
}

function draw(source: Random, { size, share, steps }: { size: number; share: number; steps: number }): TestSample {
  const labels = Array.from({ length: size }, () => (source.uniform() < share ? 1 : 0));
  const scores = labels.map((label) => Math.round(((source.uniform() + 0.3 * label) / 1.3) * steps) / steps);
  const counts = labels.map(() => source.integer(4));
  return { name: `${size} rows, ${share} positive, ${steps} steps`, scores, labels, counts };
}

function mean(values: readonly number[]): number | undefined {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined;
}

function close(actual: number | undefined, expected: number | undefined, what: string): void {
  if (actual === undefined || expected === undefined) {
    assert.equal(actual, expected, what);
    return;
  }
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual} ${expected}`,
  );
}
