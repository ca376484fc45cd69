import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { must, type Result } from "../base/index.ts";
import { type Checkpoint, type Position, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { defaultConfig } from "./config.ts";
import { buildEngine } from "./engine.ts";
import { type MetricsLine, openMetricsLog, readMetricsLog } from "./metrics-log.ts";
import {
  type Claim,
  claimRunFolder,
  type RunInfo,
  readRun,
  resumeCommand,
  runPaths,
  writeRunInfo,
} from "./run-folder.ts";

const config = {
  ...defaultConfig("cnn"),
  width: 4,
  preprocessing: { ...defaultConfig("cnn").preprocessing, size: 16 },
};

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "ichor-run-"));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function problemOf(result: Result<unknown>) {
  return result.kind === "problem" ? result.problem : assert.fail("no problem");
}

const position: Position = {
  version: 1,
  fingerprint: "f",
  epoch: 3,
  step: 5,
  steps: 17,
  lossSum: 0.1 + 0.2,
  seconds: 1.5,
  metricsBytes: 99,
  best: { epoch: 2, validationLoss: 1 / 3 },
};

test("a checkpoint comes back bit for bit, whatever the numbers", () => {
  const { program, initial } = buildEngine({ config, batchSize: 2, standardisation: undefined });
  const length = initial["parameters"]!.length;
  const { decayed: _, ...changing } = initial;
  inFolder((folder) => {
    const path = join(folder, "last.safetensors");
    fc.assert(
      fc.property(fc.array(fc.float(), { minLength: 1 }), (values) => {
        const parameters = Float32Array.from({ length }, (_value, at) => values[at % values.length]!);
        const state = { ...changing, parameters };
        const best = { parameters: parameters.toReversed(), buffers: initial["buffers"]! };
        const checkpoint: Checkpoint = { position, state, best };
        must(writeCheckpoint(path, checkpoint, program));
        assert.deepEqual(must(readCheckpoint(path, program)), checkpoint);
      }),
      { seed: 8, numRuns: 20 },
    );
    assert.deepEqual(JSON.parse(readFileSync(join(folder, "last.json"), "utf8")), position);
    const other = buildEngine({ config: { ...config, width: 8 }, batchSize: 2, standardisation: undefined });
    assert.equal(problemOf(readCheckpoint(path, other.program)).kind, "not a checkpoint");
    truncateSync(path, 1000);
    assert.equal(problemOf(readCheckpoint(path, program)).kind, "not safetensors");
  });
});

test("the log goes on where the checkpoint was, and refuses to go on where lines are missing", () => {
  const line = (step: number): MetricsLine => {
    return { kind: "step", epoch: 1, step, learningRate: 0.1, trainLoss: 0.5, seconds: 1 };
  };
  inFolder((folder) => {
    const path = join(folder, "metrics.jsonl");
    const log = must(openMetricsLog(path, 0));
    must(log.append(line(1)));
    const kept = must(log.sync());
    must(log.append(line(2)));
    log.close();
    appendFileSync(path, '{"kind":"st'); // killed in the middle of a line
    assert.deepEqual(must(readMetricsLog(path)), [line(1), line(2)]);
    const again = must(openMetricsLog(path, kept));
    must(again.append(line(3)));
    again.close();
    assert.deepEqual(must(readMetricsLog(path)), [line(1), line(3)]);
    assert.equal(problemOf(openMetricsLog(path, kept * 3)).kind, "changed metrics");
    writeFileSync(path, "{}\n");
    assert.match(problemOf(readMetricsLog(path)).where, /line 1$/);
  });
});

test("who may have a run folder", () => {
  const info: RunInfo = {
    version: 1,
    status: "interrupted",
    config,
    data: { path: "/data", hash: "h" },
    split: { hash: "s" },
    starts: [],
    notes: [],
  };
  inFolder((folder) => {
    const run = join(folder, "run");
    const claim = (more: Partial<Claim>) =>
      claimRunFolder({ run, data: "my data", config, fallback: config, resume: "new", ...more });
    assert.equal(must(claim({})).kind, "new");
    assert.equal(must(claim({ resume: "resume" })).kind, "new", "nothing there: a resume starts");
    mkdirSync(run);
    writeFileSync(join(run, "run.json.123.tmp"), "{");
    assert.equal(must(claim({})).kind, "new", "what a killed write left is nothing");

    must(writeRunInfo(run, info));
    const exists = problemOf(claim({}));
    assert.equal(exists.kind, "run exists");
    assert.match(exists.next, /ichor train --data 'my data' --run \S+ --resume/);
    assert.equal(must(claim({ resume: "resume" })).kind, "resumed");
    assert.equal(must(claim({ resume: "resume", config: undefined })).kind, "resumed");
    const changed = problemOf(claim({ resume: "resume", config: { ...config, epochs: 99 } }));
    assert.equal(changed.kind, "configuration changed");
    assert.equal(changed.got, "epochs: 12, now 99");

    must(writeRunInfo(run, { ...info, status: "finished" }));
    assert.equal(must(claim({ resume: "resume" })).kind, "resumed", "the detector is gone: it is written again");
    writeFileSync(runPaths(run).model, "");
    assert.equal(must(claim({ resume: "resume" })).kind, "finished");
    assert.equal(problemOf(claim({})).kind, "run exists");

    const { split: _, ...unsplit } = info;
    must(writeRunInfo(run, unsplit));
    assert.equal(must(claim({})).kind, "new", "nothing trained, nothing to lose");

    rmSync(runPaths(run).info);
    assert.equal(problemOf(claim({})).kind, "not a run");
    assert.equal(problemOf(claim({ run: runPaths(run).model })).kind, "not a folder");
  });
});

test("reading a run says what is wrong with it", () => {
  inFolder((folder) => {
    assert.equal(problemOf(readRun(join(folder, "none"))).got, "nothing there");
    writeFileSync(runPaths(folder).info, "{");
    assert.equal(problemOf(readRun(folder)).kind, "not a run");
    writeFileSync(runPaths(folder).info, '{"version": 2}');
    assert.match(problemOf(readRun(folder)).where, /run\.json: version$/);
    const info: RunInfo = { version: 1, status: "running", config, data: { path: "/d" }, starts: [], notes: [] };
    must(writeRunInfo(folder, info));
    assert.equal(problemOf(readRun(folder)).kind, "not trained");
    assert.ok(existsSync(runPaths(folder).info));
  });
});

test("paths in a command can be pasted into a shell", () => {
  assert.equal(resumeCommand("a b", "it's"), "ichor train --data 'a b' --run 'it'\\''s' --resume");
});
