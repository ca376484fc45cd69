import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { must, type Result, random, silent } from "../base/index.ts";
import { writeDicom } from "../dicom/index.ts";
import { labels, parseLabelId, submissionHeader, submissionLines } from "../labels/index.ts";
import { weightedLogLoss } from "../metrics/index.ts";
import { readRun, resolveConfig, train } from "../training/index.ts";
import { type EvaluateOptions, evaluateRun, evaluationFiles, parseEvaluation } from "./index.ts";

const patients = 14;
const slicesPerPatient = 5; // the last has no label
const size = 64;
const work = { threads: 1, progress: silent, signal: new AbortController().signal };
const bootstrap = { rounds: 50, seed: 1 };
const folder = mkdtempSync(join(tmpdir(), "ichor-evaluation-"));
const [data, run] = [join(folder, "data"), join(folder, "run")];

before(async () => {
  makeData(data, { prefix: "P" });
  const config = must(resolveConfig({ model: "mlp2020-brain", sets: ["epochs=1", "batchSize=8", "seed=5"] }));
  must(await train({ data, run, config, resume: "new", ...work }));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const evaluate = (options: Partial<EvaluateOptions> = {}) =>
  evaluateRun({ run, split: "test", bootstrap, ...work, ...options });

test("a run is scored on its test fold: every slice predicted, those with labels scored", async () => {
  const evaluation = must(await evaluate());
  const { split, info } = must(readRun(run));
  const members = Object.keys(split.folds).filter((patient) => split.folds[patient] === "test");
  const slices = members.length * slicesPerPatient;
  assert.deepEqual(evaluation.counts, {
    slices,
    scored: members.length * (slicesPerPatient - 1),
    unlabelled: members.length,
    unreadable: 0,
    studies: members.length,
    patients: members.length,
  });
  const { provenance } = evaluation;
  assert.equal(provenance.data, info.data.hash);
  assert.equal(provenance.split, split.hash);
  assert.equal(provenance.detector, info.result?.modelHash);
  assert.deepEqual([provenance.origin, provenance.fold, provenance.trainingSeed], ["as trained", "test", 5]);
  const predictions = readPredictions(join(run, "predictions.csv"));
  assert.equal(predictions.length, slices * labels.length);
  const scored = predictions.filter(({ sliceId }) => !isUnlabelled(sliceId));
  const loss = weightedLogLoss(
    scored.map(({ probability }) => probability),
    scored.map(({ sliceId, label }) => truthOf(sliceId)[labels.indexOf(label)]!),
  );
  assert.ok(Math.abs(loss! - evaluation.slice.weightedLogLoss.detector.value!) < 1e-7); // nine digits in the file
  const stored = readFileSync(join(run, "evaluation.json"), "utf8");
  assert.deepEqual(must(parseEvaluation(stored, "evaluation.json")), evaluation);
});

test("the same evaluation again writes the same bytes; another fold leaves them alone", async () => {
  const files = ["predictions.csv", "evaluation.json"].map((name) => join(run, name));
  const first = files.map((path) => readFileSync(path, "utf8"));
  must(await evaluate());
  const validation = must(await evaluate({ split: "validation" }));
  assert.deepEqual(
    files.map((path) => readFileSync(path, "utf8")),
    first,
  );
  const own = evaluationFiles(run, validation.provenance);
  assert.equal(own.evaluation, join(run, "evaluation-validation.json"));
  assert.ok(existsSync(own.evaluation) && existsSync(own.predictions));
});

test("of other data, the test fold is every patient whom training did not see", async () => {
  const other = join(folder, "other");
  makeData(other, { prefix: "Q" });
  const evaluation = must(await evaluate({ data: other }));
  assert.equal(evaluation.provenance.origin, "other");
  assert.equal(evaluation.counts.patients, patients);
  assert.ok(evaluation.provenance.prevalence.studies > 0);
  assert.match(evaluationFiles(run, evaluation.provenance).evaluation, /evaluation-[0-9a-f]{8}\.json$/);
  assert.equal(problemOf(await evaluate({ data: other, split: "train" })), "empty fold");
});

test("what cannot be evaluated is a problem, and leaves no file", async () => {
  assert.equal(problemOf(await evaluate({ run: join(folder, "none") })), "not a run");
  const stopped = new AbortController();
  stopped.abort();
  assert.equal(problemOf(await evaluate({ split: "train", signal: stopped.signal })), "interrupted");
  assert.ok(!existsSync(join(run, "evaluation-train.json")) && !existsSync(join(run, "predictions-train.csv")));
  const model = join(run, "model.onnx");
  const bytes = readFileSync(model);
  renameSync(model, `${model}.away`);
  assert.equal(problemOf(await evaluate()), "not trained");
  const { split } = must(readRun(run));
  // Same length, so that the file stays a model: a detector that says it learned from another split.
  writeFileSync(model, Buffer.from(bytes.toString("latin1").replaceAll(split.hash, "f".repeat(64)), "latin1"));
  assert.equal(problemOf(await evaluate()), "another run's detector");
  renameSync(`${model}.away`, model);
});

function problemOf(result: Result<unknown>): string {
  return result.kind === "problem" ? result.problem.kind : "ok";
}

function isUnlabelled(sliceId: string): boolean {
  return sliceId.endsWith(`${slicesPerPatient - 1}`);
}

/** Every third patient bleeds in the middle slices. */
function truthOf(sliceId: string): number[] {
  const [patient, slice] = [Number(sliceId.slice(-4, -2)), Number(sliceId.slice(-1))];
  return patient % 3 === 0 && slice > 0 && slice < 4 ? [0, 1, 0, 0, 0, 1] : [0, 0, 0, 0, 0, 0];
}

/** Noise at 30 HU, with a bright square where there is blood, in the competition's layout. */
function makeData(root: string, { prefix }: { readonly prefix: string }): void {
  mkdirSync(join(root, "stage_2_train"), { recursive: true });
  let table = submissionHeader;
  for (let patient = 0; patient < patients; patient++) {
    const name = `${prefix}${String(patient).padStart(2, "0")}`;
    for (let slice = 0; slice < slicesPerPatient; slice++) {
      const sliceId = `ID_${name}x${slice}`;
      if (!isUnlabelled(sliceId)) table += submissionLines(sliceId, truthOf(sliceId));
      writeFileSync(join(root, "stage_2_train", `${sliceId}.dcm`), dicomOf({ name, slice, sliceId }));
    }
  }
  writeFileSync(join(root, "stage_2_train.csv"), table);
}

function dicomOf({ name, slice, sliceId }: { name: string; slice: number; sliceId: string }): Uint8Array {
  const source = random(1, sliceId);
  const bleeds = truthOf(sliceId).includes(1);
  const pixels = Int16Array.from({ length: size * size }, (_, pixel) => {
    const inSquare = Math.abs((pixel % size) - 30) < 8 && Math.abs(Math.floor(pixel / size) - 30) < 8;
    return Math.round(30 + 4 * source.normal() + (bleeds && inSquare ? 35 : 0));
  });
  return writeDicom({
    SOPInstanceUID: sliceId,
    Modality: "CT",
    PatientID: name,
    StudyInstanceUID: `study ${name}`,
    SeriesInstanceUID: `series ${name}`,
    ImagePositionPatient: [0, 0, 5 * slice],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Rows: size,
    Columns: size,
    PixelSpacing: [3, 3],
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    RescaleIntercept: 0,
    RescaleSlope: 1,
    PixelData: pixels,
  });
}

function readPredictions(path: string) {
  const [header, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  assert.equal(`${header}\n`, submissionHeader);
  return lines.map((line) => {
    const comma = line.lastIndexOf(",");
    const id = parseLabelId(line.slice(0, comma));
    assert.ok(id !== undefined, line);
    return { ...id, probability: Number(line.slice(comma + 1)) };
  });
}
