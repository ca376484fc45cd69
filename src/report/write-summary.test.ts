import assert from "node:assert/strict";
import { test } from "node:test";
import { type Estimate, type Evaluation, evaluateScores } from "../evaluation/index.ts";
import { folds, type Label, labels } from "../labels/index.ts";
import { type EvidenceMap, type ExampleSlice, type Summary, writeSummary } from "./index.ts";

const hash = "0123456789abcdef".repeat(4);

function byLabel<T>(value: (index: number) => T): Record<Label, T> {
  return Object.fromEntries(labels.map((label, index) => [label, value(index)])) as Record<Label, T>;
}

/** Patients of one study each, every second with a subdural bleed in half of its slices, scored well but not always. */
function evaluationOf({ patients, bleeds }: { readonly patients: number; readonly bleeds: boolean }): Evaluation {
  const rows = Array.from({ length: patients * 8 }, (_, row) => {
    const patient = Math.floor(row / 8);
    const positive = bleeds && patient % 2 === 0 && row % 8 >= 4;
    const score = (positive ? 0.6 : 0.1) + (((row * 37) % 11) - 5) / 13;
    return { patient: `patient ${patient}`, positive, score: Math.min(0.99, Math.max(0.01, score)) };
  });
  const shares = [0.004, 0.048, 0.035, 0.048, 0.063, 0.144];
  const own = (label: Label) => label === "subdural" || label === "any";
  return evaluateScores({
    slices: {
      probabilities: rows.flatMap(({ score }) => labels.map((label) => (own(label) ? score : 0.02))),
      labels: rows.flatMap(({ positive }) => labels.map((label) => Number(positive && own(label)))),
      patients: rows.map(({ patient }) => patient),
      studies: rows.map(({ patient }) => patient),
      brainArea: rows.map((_, row) => ((row * 13) % 17) / 40),
    },
    prevalence: { slice: shares, study: shares.map((share) => 2 * share), slices: 1000, studies: 30 },
    operatingPoints: byLabel(() => 0.5),
    bootstrap: { rounds: 40, seed: 7 },
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
  });
}

const evaluation = evaluationOf({ patients: 12, bleeds: true });
const evidence: EvidenceMap = { data: Float32Array.from([0, 3, -1, 0]), rows: 2, columns: 2, inputSize: 16 };
const found: ExampleSlice = {
  kind: "found",
  sliceId: "ID_found",
  hu: new Int16Array(256).fill(35),
  size: 16,
  evidence,
  probabilities: byLabel((index) => index / 10),
  truth: ["subdural", "any"],
};

const summary: Summary = {
  title: "A run",
  lead: ["What this is."],
  origin: "simulated",
  data: {
    files: { found: 100, used: 96, setAside: 3, failed: 1 },
    folds: Object.fromEntries(
      folds.map((fold) => [fold, { patients: 7, slices: 50, positives: byLabel((index) => index) }]),
    ) as Summary["data"]["folds"],
  },
  network: {
    description: "A small network.",
    settings: [{ name: "epochs", value: "2" }],
    curve: {
      epochs: [
        { epoch: 1, trainLoss: 0.3, validationLoss: 0.25 },
        { epoch: 2, trainLoss: 0.2, validationLoss: 0.22 },
      ],
      bestEpoch: 2,
    },
  },
  evaluation,
  examples: [found],
  fresh: {
    description: "Came in after the training.",
    studies: [{ study: "1.2.3", slices: 24, probabilities: byLabel(() => 0.125), called: ["any"], truth: ["any"] }],
  },
  next: [{ what: "Train on your own", command: "ichor train --data work/index --run runs/first" }],
  provenance: [{ name: "split", value: hash }],
};

const page = writeSummary(summary);

test("the same summary gives the same page", () => {
  assert.equal(writeSummary(summary), page);
});

test("the page says what it is not, and that simulated heads prove nothing", () => {
  const body = page.slice(page.indexOf("<main>"));
  assert.ok(body.indexOf("Not a medical device.") < body.indexOf("<h2>"), "before the first section");
  assert.match(page, /proves nothing about patients/);
  assert.doesNotMatch(writeSummary({ ...summary, origin: "patients" }), /proves nothing about patients/);
});

test("the page needs nothing besides itself", () => {
  const addresses = page.match(/[a-z]+:\/\/[^"'\s<>)]*/g) ?? [];
  assert.deepEqual(
    [...new Set(addresses)].filter((address) => !/^http:\/\/www\.w3\.org\/(2000\/svg|1999\/xlink)$/.test(address)),
    [],
  );
  assert.doesNotMatch(page, /<script|<link|<iframe|@import|\son[a-z]+=/i);
  for (const [, source = ""] of page.matchAll(/\ssrc="([^"]*)"/g)) assert.match(source, /^data:image\/png;base64,/);
});

test("text from data is escaped wherever it stands", () => {
  const wicked = `<b id="x" title='y'>&amp;`;
  const escaped = "&lt;b id=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;";
  const fresh = summary.fresh!;
  const all = writeSummary({
    ...summary,
    title: wicked,
    lead: [wicked],
    network: { ...summary.network, description: wicked, settings: [{ name: wicked, value: wicked }] },
    examples: [{ ...found, sliceId: wicked }],
    fresh: { description: wicked, studies: fresh.studies.map((study) => ({ ...study, study: wicked })) },
    next: [{ what: wicked, command: wicked }],
    provenance: [{ name: wicked, value: wicked }],
  });
  assert.ok(!all.includes(wicked));
  // title, h1, lead, network's description, setting (2), slice, fresh description, next (2), provenance (2)
  assert.ok(all.split(escaped).length - 1 >= 12);
});

test("every figure of the evaluation stands beside its baselines, with its interval and its n", () => {
  const three = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(3));
  const shown = ({ value, interval }: Estimate) =>
    interval === undefined
      ? three(value)
      : `${three(value)}.{0,40}\\(${three(interval.low)}–${three(interval.high)}\\)`;
  const rows = page.match(/<tr>.*?<\/tr>/gs) ?? [];
  for (const level of [evaluation.slice, evaluation.study]) {
    const { rocAuc, averagePrecision, logLoss, operatingPoint } = level.labels.any;
    const { sensitivity, specificity } = operatingPoint;
    for (const figure of [rocAuc, averagePrecision, logLoss, sensitivity, specificity, level.weightedLogLoss]) {
      const { n, positives, detector, baselines } = figure;
      const wanted = [
        `>${positives} of ${n}<`,
        shown(detector),
        baselines.brainArea === undefined ? "" : shown(baselines.brainArea),
        `>${three(baselines.prevalence.value)}<`,
        `>${three(baselines.nothing.value)}<`,
      ];
      const pattern = new RegExp(wanted.join(".*?"), "s");
      assert.ok(
        rows.some((row) => pattern.test(row)),
        `no row ${pattern}`,
      );
    }
  }
});

test("the figures are pictures in the page: ROC and AUC at two levels, the training curve", () => {
  const pictures = page.match(/<svg[^>]*aria-label="[^"]*"/g) ?? [];
  assert.equal(pictures.length, 5);
  assert.match(page, /false positive rate/);
  assert.match(page, /brain area, AUC 0\.\d\d/);
  assert.match(page, /weighted log loss/);
});

test("the training curve has the prevalence beside it where that is known", () => {
  assert.doesNotMatch(page, /Dashed: what saying/);
  const { network } = summary;
  const known = { ...summary, network: { ...network, curve: { ...network.curve, prevalenceLoss: 0.3214 } } };
  assert.match(writeSummary(known), />prevalence<\/text>.*Dashed: what saying.*0\.321/s);
});

test("on dark paper the figures' inks turn light", () => {
  assert.match(page, /@media screen and \(prefers-color-scheme: dark\)/);
  assert.match(page, /svg \[stroke="#1b5e9b"\] \{ stroke: #79b4ea; \}/);
  assert.match(page.slice(page.indexOf("<main>")), /stroke="#1b5e9b"/);
});

test("a slice stands in three windows and with the evidence over it, if there is some", () => {
  const images = (text: string) => text.match(/<img /g)?.length ?? 0;
  assert.equal(images(page), 4);
  assert.match(page, /evidence for any/);
  const without = writeSummary({ ...summary, examples: [{ ...found, evidence: undefined }] });
  assert.equal(images(without), 3);
  assert.match(without, /no evidence maps/);
});

test("a page without positives, examples and fresh studies is a page still", () => {
  const none = writeSummary({
    ...summary,
    evaluation: evaluationOf({ patients: 3, bleeds: false }),
    examples: [],
    fresh: undefined,
    next: [],
  });
  assert.match(none, /one class only/);
  assert.doesNotMatch(none, /NaN|undefined|Infinity/);
  assert.doesNotMatch(page, /NaN|undefined|Infinity/);
});
