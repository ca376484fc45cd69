import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { detectorInfo } from "../../test/detector-info.ts";
import { must, type Progress, silent } from "../base/index.ts";
import { type WritableElements, writeDicom } from "../dicom/index.ts";
import { labels } from "../labels/index.ts";
import { type Detector, exportDetector, initialise, models } from "../models/index.ts";
import { type DetectOptions, detect, detectWith } from "./detect.ts";
import { type Findings, findingsSchema } from "./findings.ts";

const root = mkdtempSync(join(tmpdir(), "ichor-detect-"));
after(() => rmSync(root, { recursive: true, force: true }));

const size = 16;
const info = detectorInfo({
  preprocessing: { values: "hu", size, fieldOfViewMm: 64 },
  neighbours: 3,
  windows: [{ name: "brain", center: 40, width: 80 }],
  headline: { "validation AUC any": 0.5 },
});

/** Logit of every label: HU of the middle pixel / 10; the evidence peaks in the upper left quarter. */
const fake: Pick<Detector, "info" | "hash" | "score"> = {
  info,
  hash: "0".repeat(64),
  async score(hu, slices) {
    const sliceLogits = new Float32Array(slices * 6);
    const middle = (size / 2) * size + size / 2;
    for (let row = 0; row < slices; row++)
      sliceLogits.fill(hu[(row * 3 + 1) * size * size + middle]! / 10, row * 6, row * 6 + 6);
    const studyLogits = new Float32Array(6).fill(Math.max(...sliceLogits));
    const data = new Float32Array(slices * 6 * 4).map((_, cell) => (cell % 4 === 0 ? 2 : -1));
    return { sliceLogits, studyLogits, evidence: { data, shape: [slices, 6, 2, 2] } };
  },
};

interface SliceShape {
  readonly study: string;
  readonly series?: string;
  readonly sop: string;
  readonly z: number;
  readonly hu: number;
}

/** A CT slice of 32 × 32 pixels of 2 mm, all of one value. */
function dicomOf({ study, series = `${study}.1`, sop, z, hu }: SliceShape, changes: WritableElements = {}): Uint8Array {
  return writeDicom({
    SOPInstanceUID: sop,
    Modality: "CT",
    PatientID: `patient of ${study}`,
    StudyInstanceUID: study,
    SeriesInstanceUID: series,
    ImagePositionPatient: [-32, -32, z],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    PixelSpacing: [2, 2],
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Rows: 32,
    Columns: 32,
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    RescaleIntercept: -1024,
    RescaleSlope: 1,
    PixelData: new Int16Array(32 * 32).fill(hu + 1024),
    ...changes,
  });
}

/** A folder with a study of 12 slices in two series, one of 3 slices, and files that are no slices. */
function mixedFolder(name: string): string {
  const folder = join(root, name);
  mkdirSync(join(folder, "deep"), { recursive: true });
  for (let at = 0; at < 8; at++) {
    const slice = { study: "1.1", sop: `1.1.1.${at}`, z: (at % 4) * 20 + Math.floor(at / 4) * 5, hu: at - 4 };
    writeFileSync(join(folder, "deep", `a${7 - at}.dcm`), dicomOf(slice));
  }
  for (let at = 0; at < 4; at++)
    writeFileSync(
      join(folder, `b${at}`),
      dicomOf({ study: "1.1", series: "1.1.2", sop: `1.1.2.${at}`, z: at * 5, hu: 30 }),
    );
  for (let at = 0; at < 3; at++)
    writeFileSync(join(folder, `ID_c${at}.dcm`), dicomOf({ study: "1.2", sop: `ID_c${at}`, z: at * 5, hu: -50 }));
  writeFileSync(join(folder, "notes.txt"), "no DICOM");
  const other = { study: "1.3", sop: "1.3.1", z: 0, hu: 0 };
  writeFileSync(join(folder, "mr.dcm"), dicomOf(other, { Modality: "MR" }));
  writeFileSync(join(folder, "short.dcm"), dicomOf(other).subarray(0, 1500));
  copyFileSync(join(folder, "b1"), join(folder, "z copy"));
  return folder;
}

function options(more: Pick<DetectOptions, "inputs" | "out"> & Partial<DetectOptions>): Omit<DetectOptions, "model"> {
  return { threads: 2, progress: silent, signal: new AbortController().signal, ...more };
}

function readFindings(out: string): Findings {
  return findingsSchema.parse(JSON.parse(readFileSync(join(out, "findings.json"), "utf8")));
}

/** Does something when a task of that name starts or advances. */
function whenProgress(what: string, at: "start" | "advance", act: () => void): Progress {
  return {
    start(name) {
      if (name === what && at === "start") act();
      return {
        advance() {
          if (name === what && at === "advance") act();
        },
        done() {},
      };
    },
  };
}

test("detect: of two files of one slice the larger is read, as a copy may have been cut off", async () => {
  const [folder, out] = [join(root, "copies"), join(root, "out-copies")];
  mkdirSync(folder);
  const slice = { study: "1.1", sop: "1.1.1", z: 0, hu: 0 };
  writeFileSync(join(folder, "a.dcm"), dicomOf(slice));
  writeFileSync(join(folder, "b.dcm"), dicomOf(slice, { ImageComments: "whole" }));
  writeFileSync(join(folder, "c.dcm"), dicomOf({ ...slice, study: "1.2" }, { ImageComments: "of another study" }));
  const { ledger } = must(await detectWith(fake, options({ inputs: [folder], out })));
  assert.deepEqual([ledger.found, ledger.used, ledger.reasons], [3, 1, { "duplicate slice": 2 }]);
  const lines = readFileSync(join(out, "ledger.csv"), "utf8");
  assert.match(lines, /a\.dcm,set aside,duplicate slice,the same slice as .*b\.dcm$/m);
  assert.match(lines, /c\.dcm,set aside,duplicate slice,the same slice as .*b\.dcm$/m);
});

const mixed = mixedFolder("mixed");

test("detect: folders and files in a mix: every file accounted for, six rows for each slice of a chosen series", async () => {
  const out = join(root, "out-mixed");
  const inputs = [join(mixed, "deep", "a0.dcm"), mixed];
  const summary = must(await detectWith(fake, options({ inputs, out })));
  const { found, used, setAside, failed, reasons } = summary.ledger;
  assert.deepEqual([found, used], [19, 11]);
  assert.equal(setAside + failed, 8);
  assert.deepEqual([reasons["duplicate slice"], reasons["series not chosen"]], [1, 4]);
  const ledger = readFileSync(join(out, "ledger.csv"), "utf8").trimEnd().split("\n");
  assert.equal(ledger.length, 1 + found);
  assert.ok(ledger.some((line) => /z copy,set aside,duplicate slice,the same slice as .*b1$/.test(line)));
  const predictions = readFileSync(join(out, "predictions.csv"), "utf8").trimEnd().split("\n");
  assert.equal(predictions[0], "ID,Label");
  assert.equal(predictions.length, 1 + 11 * 6);
  assert.equal(new Set(predictions.map((line) => line.split(",")[0])).size, predictions.length);
  assert.ok(predictions.some((line) => line.startsWith("ID_c1_epidural,0.0066")));
  assert.deepEqual(readdirSync(out).sort(), ["findings.json", "ledger.csv", "predictions.csv"]);
});

test("detect: findings hold the chosen series along its normal, decisions, evidence and the ledger", async () => {
  const out = join(root, "out-findings");
  const summary = must(await detectWith(fake, options({ inputs: [mixed], out })));
  const findings = readFindings(out);
  assert.deepEqual(findings.ledger.rows.length, 8);
  assert.equal(findings.detector.hash, fake.hash);
  const [first, second] = findings.studies.toSorted((one, other) => (one.study < other.study ? -1 : 1));
  assert.ok(first?.status === "analysed" && second?.status === "analysed");
  assert.equal(first.series.uid, "1.1.1");
  assert.match(first.series.because, /the first of 2 head CT series .* fewer positions: 4 against 8/);
  assert.deepEqual(
    first.otherSeries.map(({ uid, status, because }) => `${uid} ${status}: ${because}`),
    ["1.1.2 not chosen: fewer positions: 4 against 8"],
  );
  assert.deepEqual(
    first.slices.map(({ sop }) => sop.slice(-1)),
    ["0", "4", "1", "5", "2", "6", "3", "7"],
  );
  const along = first.slices.map(({ alongNormalMm = Number.NaN }) => alongNormalMm);
  assert.deepEqual(
    along.map((mm) => mm - along[0]!),
    [0, 5, 20, 25, 40, 45, 60, 65],
  );
  assert.equal(first.decisions.any, "positive");
  assert.equal(first.probabilities.any, Number((1 / (1 + Math.exp(-Math.fround(0.3)))).toPrecision(9)));
  // the cell is centred on the first of 16 × 16 pixels that show the whole slice of 32 × 32, and half of it lies outside
  assert.deepEqual(first.slices[7]?.evidence[0], {
    label: "epidural",
    boxes: [{ left: 0, top: 0, right: 9, bottom: 9 }],
    peak: { column: 1, row: 1, logit: 2 },
  });
  assert.equal(second.decisions.any, "negative");
  assert.deepEqual(second.slices[0]?.evidence, []);
  assert.deepEqual(
    summary.studies.map(({ study, status }) => `${study} ${status}`),
    findings.studies.map(({ study, status }) => `${study} ${status}`),
  );
});

test("detect: many files go through worker threads and give the same bytes each time", async () => {
  const folder = join(root, "many");
  mkdirSync(folder);
  for (let at = 0; at < 140; at++) {
    const study = `2.${Math.floor(at / 70)}`;
    writeFileSync(join(folder, `${at}.dcm`), dicomOf({ study, sop: `2.2.${at}`, z: (at % 70) * 5, hu: at }));
  }
  const [one, other] = [join(root, "out-many-1"), join(root, "out-many-2")];
  const summary = must(await detectWith(fake, options({ inputs: [folder], out: one })));
  assert.equal(summary.ledger.used, 140);
  must(await detectWith(fake, options({ inputs: [folder], out: other, threads: 1 })));
  for (const name of ["predictions.csv", "findings.json", "ledger.csv"])
    assert.deepEqual(readFileSync(join(one, name)), readFileSync(join(other, name)));
});

test("detect: a slice that fails at decoding is told, and the study goes on", async () => {
  const folder = mixedFolder("failing");
  const damaged = join(folder, "deep", "a3.dcm");
  const damage = () => writeFileSync(damaged, readFileSync(damaged).subarray(0, 1200));
  const out = join(root, "out-failing");
  const progress = whenProgress("Analysing slices", "start", damage);
  const { ledger } = must(await detectWith(fake, options({ inputs: [folder], out, progress })));
  assert.deepEqual([ledger.found, ledger.used], [19, 10]);
  const study = readFindings(out).studies.find((each) => each.study === "1.1");
  assert.ok(study?.status === "analysed");
  assert.equal(study.series.slices, 7);
  assert.match(study.notes.join(), /1 slice could not be decoded/);
});

test("detect: a study of which nothing can be decoded is not analysed, with the reason", async () => {
  const folder = mixedFolder("undecodable");
  const damage = () => {
    for (let at = 0; at < 3; at++) rmSync(join(folder, `ID_c${at}.dcm`));
  };
  const out = join(root, "out-undecodable");
  const progress = whenProgress("Analysing slices", "start", damage);
  const { studies } = must(await detectWith(fake, options({ inputs: [folder], out, progress })));
  const reason = "none of the 3 slices could be decoded";
  assert.deepEqual(
    studies.find(({ study }) => study === "1.2"),
    { status: "not analysed", study: "1.2", reason },
  );
  assert.deepEqual(
    readFindings(out).studies.find(({ study }) => study === "1.2"),
    { status: "not analysed", study: "1.2", reason, otherSeries: [] },
  );
});

test("detect: where nothing of the chosen series can be decoded, the next one is read, and every file is accounted for", async () => {
  const folder = mixedFolder("second-series");
  const damage = () => {
    for (let at = 0; at < 8; at++) truncateSync(join(folder, "deep", `a${at}.dcm`), 1200);
  };
  const out = join(root, "out-second-series");
  const progress = whenProgress("Analysing slices", "start", damage);
  const { ledger, studies } = must(await detectWith(fake, options({ inputs: [folder], out, progress })));
  assert.deepEqual([ledger.found, ledger.used, ledger.failed], [19, 4 + 3, 8 + 1]);
  assert.equal(ledger.reasons["series not chosen"], undefined);
  assert.equal(studies.length, 2);
  const study = readFindings(out).studies.find((each) => each.study === "1.1");
  assert.ok(study?.status === "analysed");
  assert.deepEqual([study.series.uid, study.series.slices], ["1.1.2", 4]);
  assert.match(study.notes[0]!, /read in place of series 1\.1\.1: none of its 8 slices could be decoded/);
  assert.equal(study.otherSeries[0]?.status, "set aside");
  const predictions = readFileSync(join(out, "predictions.csv"), "utf8");
  assert.equal(predictions.match(/^1\.1\.2\.\d_any,/gm)?.length, 4);
  assert.equal(readFileSync(join(out, "ledger.csv"), "utf8").trimEnd().split("\n").length, 1 + 19);
});

for (const [what, at] of [
  ["Reading headers", "start"],
  ["Analysing slices", "start"],
  ["Analysing slices", "advance"],
] as const) {
  test(`detect: an interrupt (${what}, ${at}) leaves nothing behind, and an earlier detection as it was`, async () => {
    const run = async (out: string) => {
      const stop = new AbortController();
      const progress = whenProgress(what, at, () => stop.abort());
      const answer = await detectWith(fake, options({ inputs: [mixed], out, progress, signal: stop.signal }));
      assert.equal(answer.kind === "problem" && answer.problem.kind, "interrupted");
    };
    const fresh = join(root, `out-interrupt-${what}-${at}`);
    await run(fresh);
    assert.equal(existsSync(fresh), false);
    const earlier = join(root, `out-earlier-${what}-${at}`);
    mkdirSync(earlier);
    writeFileSync(join(earlier, "findings.json"), "earlier");
    await run(earlier);
    assert.deepEqual(readdirSync(earlier), ["findings.json"]);
    assert.equal(readFileSync(join(earlier, "findings.json"), "utf8"), "earlier");
  });
}

test("detect: inputs without a slice are refused, and nothing is written", async () => {
  const folder = join(root, "empty");
  mkdirSync(folder);
  const out = join(root, "out-empty");
  const kindOf = async (inputs: readonly string[]) => {
    const answer = await detectWith(fake, options({ inputs, out }));
    assert.equal(existsSync(out), false);
    return answer.kind === "problem" ? `${answer.problem.kind}: ${answer.problem.got}` : "";
  };
  assert.equal(await kindOf([folder]), "no CT slices: no files");
  writeFileSync(join(folder, "notes.txt"), "no DICOM");
  assert.match(await kindOf([folder]), /^no CT slices: 1 file: 1 /);
  assert.match(await kindOf([folder, join(mixed, "mr.dcm")]), /^no CT slices: 2 files: 1 .*, 1 /);
});

test("detect: results in the input folder are no input of the next detection", async () => {
  const folder = mixedFolder("self");
  const out = join(folder, "results");
  must(await detectWith(fake, options({ inputs: [folder], out })));
  const again = must(await detectWith(fake, options({ inputs: [folder], out })));
  assert.equal(again.ledger.found, 19);
});

test("detect: a slice outside the detector's scope is set aside", async () => {
  const scope = { ...info.scope, modality: "PT" as unknown as "CT" };
  const answer = await detectWith(
    { ...fake, info: { ...info, scope } },
    options({ inputs: [mixed], out: join(root, "out-scope") }),
  );
  assert.match(answer.kind === "problem" ? answer.problem.got : "", /16 outside scope/);
});

test("detect: a real detector file, from bytes to findings; and files that are none", async () => {
  const network = models.cnn.build({ size: 32, neighbours: 3, width: 4 }, "slices");
  const preprocessing = { values: "hu", size: 32, fieldOfViewMm: 64 } as const;
  const operatingPoints = { ...info.operatingPoints, any: 0 }; // a random network is to call something
  const bytes = exportDetector(network, initialise(network, 1), { ...info, preprocessing, operatingPoints });
  const model = join(root, "model.onnx");
  writeFileSync(model, bytes);
  const out = join(root, "out-real");
  const summary = must(await detect({ ...options({ inputs: [mixed], out }), model }));
  assert.equal(summary.ledger.used, 11);
  const findings = readFindings(out);
  assert.match(findings.detector.hash, /^[0-9a-f]{64}$/);
  for (const study of findings.studies) {
    assert.ok(study.status === "analysed");
    for (const label of labels)
      assert.equal(study.probabilities[label], Math.max(...study.slices.map((slice) => slice.probabilities[label])));
    assert.equal(study.decisions.any, "positive");
  }
  const problemOf = async (path: string) => {
    const answer = await detect({ ...options({ inputs: [mixed], out: join(root, "out-none") }), model: path });
    return answer.kind === "problem" ? answer.problem.kind : "";
  };
  assert.equal(await problemOf(join(root, "missing.onnx")), "not found");
  assert.notEqual(await problemOf(join(mixed, "notes.txt")), "");
  const missing = await detect({ ...options({ inputs: [join(root, "typo")], out }), model });
  assert.equal(missing.kind === "problem" && missing.problem.kind, "not found");
});
