import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { must, type Result, silent } from "../base/index.ts";
import { buildIndex } from "../dataset/index.ts";
import { weightedLogLoss } from "../metrics/index.ts";
import { openDetector } from "../models/index.ts";
import { truthOf } from "./folds.ts";
import {
  openRunData,
  type RunSummary,
  readMetricsLog,
  readRun,
  resolveConfig,
  runPaths,
  scoreRows,
  type TrainOptions,
  train,
} from "./index.ts";
import { makeSlices, newFolder, smallTraining } from "./slices-fixture.test.ts";

const work = { threads: 1, progress: silent, signal: new AbortController().signal };
let data = "";
let reference: Reference;

interface Reference {
  readonly options: TrainOptions;
  readonly summary: RunSummary;
}

async function trainSmall(kind: "cnn" | "mlp"): Promise<Reference> {
  const options = smallTraining(kind, { data });
  return { options, summary: must(await train(options)) };
}

before(async () => {
  const root = makeSlices({ patients: 12, positive: 6 });
  data = newFolder();
  must(await buildIndex({ root, out: data, ...work }));
  reference = await trainSmall("cnn");
});

function problemOf(result: Result<unknown>) {
  return result.kind === "problem" ? result.problem : assert.fail("no problem");
}

function modelHash(run: string): string {
  return createHash("sha256")
    .update(readFileSync(runPaths(run).model))
    .digest("hex");
}

for (const kind of ["cnn", "mlp"] as const) {
  test(`${kind}: a run is trained, says all of itself, and its figures are those of its detector`, async () => {
    const { options, summary } = kind === "cnn" ? reference : await trainSmall(kind);
    assert.equal(summary.work, "trained");
    const run = must(readRun(options.run));
    assert.equal(run.info.status, "finished");
    assert.deepEqual(run.config, options.config);
    assert.equal(run.info.result?.modelHash, modelHash(options.run));
    assert.equal(run.info.starts.length, 1);
    assert.equal(Object.keys(run.split.folds).length, 12);
    const lines = must(readMetricsLog(run.paths.metrics)).filter((line) => line.kind === "epoch");
    assert.deepEqual(
      lines.map(({ epoch }) => epoch),
      [1, 2, 3],
    );
    const detector = must(await openDetector(run.paths.model, { threads: 1 }));
    const opened = must(await openRunData(run, work));
    const rows = opened.rows.validation;
    assert.equal(opened.origin, "as trained");
    assert.equal(detector.info.training.slices, opened.rows.train.length);
    const probabilities = must(await scoreRows({ ...opened, rows, detector }));
    const loss = weightedLogLoss(probabilities, truthOf(opened.table, rows));
    assert.equal(loss, summary.result.validationLoss);
    assert.equal(loss, detector.info.headline["validationLogLoss"]);
    opened.cache.close();
    await detector.close();
  });
}

test("another seed gives another detector on the same split, and runs share the cache beside the index", async () => {
  const other = smallTraining("cnn", { data, sets: ["seed=1"] });
  must(await train(other));
  assert.notEqual(modelHash(other.run), modelHash(reference.options.run));
  assert.equal(must(readRun(other.run)).split.hash, must(readRun(reference.options.run)).split.hash);
  assert.ok(existsSync(join(data, "cache")));
  assert.ok(!existsSync(runPaths(other.run).cache));
});

test("a folder with a run is not written over; a finished run asked to go on has nothing to do", async () => {
  const options = smallTraining("mlp", { data, sets: ["epochs=1"] });
  must(await train(options));
  const taken = problemOf(await train(options));
  assert.equal(taken.kind, "run exists");
  assert.match(taken.next, /--resume/);
  const hash = modelHash(options.run);
  assert.equal(must(await train({ ...options, resume: "resume", config: undefined })).work, "was finished");
  rmSync(runPaths(options.run).model); // as if killed before it was written
  assert.equal(must(await train({ ...options, resume: "resume" })).work, "trained");
  assert.equal(modelHash(options.run), hash);
});

test("an interrupt leaves a run that goes on to the same detector", async () => {
  const stop = new AbortController();
  let steps = 0;
  const progress = {
    start: (what: string) => ({
      advance() {
        if (what === "Training" && ++steps === 5) stop.abort();
      },
      done() {},
    }),
  };
  const options = smallTraining("cnn", { data, progress, signal: stop.signal });
  const problem = problemOf(await train(options));
  assert.equal(problem.kind, "interrupted");
  assert.equal(problem.next, `ichor train --data ${data} --run ${options.run} --resume`);
  assert.equal(must(readRun(options.run)).info.status, "interrupted");
  const resumed = { ...options, resume: "resume", config: undefined, ...work } as const;
  must(await train(resumed));
  assert.equal(modelHash(options.run), modelHash(reference.options.run));
  assert.equal(must(readRun(options.run)).info.starts.length, 2);
});

test("a resume refuses what has changed, and says what", async () => {
  const stop = new AbortController();
  const progress = {
    start: (what: string) => ({ advance: () => what === "Measuring pixels" && stop.abort(), done() {} }),
  };
  const options = smallTraining("mlp", { data, progress });
  assert.equal(problemOf(await train({ ...options, signal: stop.signal })).kind, "interrupted");
  const resume = { ...options, resume: "resume", ...work } as const;
  const config = must(resolveConfig({ sets: ["model=cnn"] }));
  assert.match(problemOf(await train({ ...resume, config })).got, /model: "mlp2020-brain", now "cnn"/);
  const other = makeSlices({ patients: 9, positive: 5 });
  const changed = problemOf(await train({ ...resume, data: other }));
  assert.equal(changed.kind, "data changed");
  assert.match(changed.got, /36 slices instead of 48/);
  const path = runPaths(options.run).split;
  writeFileSync(path, readFileSync(path, "utf8").replace('"train"', '"test"'));
  assert.equal(problemOf(await train(resume)).kind, "changed split");
});

test("data that cannot be trained on leave nothing that stands in the way of the next try", async () => {
  const few = makeSlices({ patients: 1, positive: 1 });
  const options = smallTraining("mlp", { data: few });
  assert.equal(problemOf(await train(options)).kind, "too few patients");
  const negative = makeSlices({ patients: 4, positive: 0 });
  assert.equal(problemOf(await train({ ...options, data: negative })).kind, "no positive case");
  assert.equal(problemOf(await train({ ...options, data: join(few, "none") })).kind, "not found");
  const better = makeSlices({ patients: 4, positive: 2 });
  const summary = must(await train({ ...options, data: better }));
  assert.equal(summary.work, "trained");
  assert.ok(existsSync(join(runPaths(options.run).index, "index.parquet")));
});

test("a pattern of names that fits no parameter is refused before any data are read, and leaves the folder free", async () => {
  const sets = ['frozen=["stages1.*"]'];
  const options = smallTraining("cnn", { data, sets });
  const problem = problemOf(await train(options));
  assert.equal(problem.kind, "pattern fits nothing");
  assert.match(problem.expected, /stage1\./);
  assert.ok(!existsSync(runPaths(options.run).split));
});

test("a batch in pieces, its forward pass computed again, trains as the whole batch does, to rounding", async () => {
  // The dense network has no batch normalisation, which would see a piece at a time.
  const losses = async (...sets: string[]) => {
    const options = smallTraining("mlp", { data, sets });
    must(await train(options));
    const epochs = must(readMetricsLog(runPaths(options.run).metrics)).filter(({ kind }) => kind === "epoch");
    return epochs.map(({ trainLoss }) => trainLoss);
  };
  const whole = await losses();
  for (const sets of [["accumulate=2"], ["workers=2"], ["accumulate=4", "workers=2", "recompute=2"]])
    (await losses(...sets)).forEach((loss, epoch) => {
      assert.ok(Math.abs(loss - whole[epoch]!) < 1e-5 * whole[epoch]!, `${sets}: ${loss}, not ${whole[epoch]}`);
    });
});

test("small data: fewer slices than a batch, a validation fold without positives", async () => {
  const root = makeSlices({ patients: 3, positive: 1 });
  const summary = must(await train(smallTraining("cnn", { data: root, sets: ["batchSize=64"] })));
  assert.match(summary.notes.join("\n"), /fewer than a batch of 64/);
  assert.match(summary.notes.join("\n"), /no positive slice in the validation fold/);
  assert.equal(summary.result.validationAucAny, undefined);
  assert.ok(Object.values(summary.result.operatingPoints).every((point) => point === 0.5));
});

test("without a validation fold the last epoch is taken", async () => {
  const sets = ["split.train=0.8", "split.validation=0", "split.test=0.2"];
  const summary = must(await train(smallTraining("mlp", { data, sets })));
  assert.equal(summary.result.bestEpoch, 3);
  assert.match(summary.notes.join("\n"), /validation fold is empty/);
});
