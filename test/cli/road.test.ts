// The whole road through the commands on small simulated studies, as a user goes it, and what bad input gets on the way.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ichor, type Outcome } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-road-"));
after(() => rmSync(folder, { recursive: true }));
const at = (...names: readonly string[]) => join(folder, ...names);

/** A command line whose arguments hold no spaces, with this folder for `@`. */
const line = (text: string) => ichor(text.split(" ").map((word) => word.replace("@", folder)));
const document = ({ stdout }: Outcome): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

async function done(text: string): Promise<Record<string, unknown>> {
  const outcome = await line(`${text} --json`);
  assert.equal(outcome.code, 0, outcome.stderr);
  return document(outcome);
}

/** The kind of problem that a line ends in; it exits with 1 and names the next step. */
async function refused(text: string): Promise<string> {
  const outcome = await line(`${text} --json`);
  assert.equal(outcome.code, 1, `${text}: ${outcome.stdout}`);
  const { problem } = document(outcome) as { problem: Record<"kind" | "where" | "got" | "expected" | "next", string> };
  for (const part of Object.values(problem)) assert.ok(part.length > 0, JSON.stringify(problem));
  return problem.kind;
}

const settings = "--model mlp2020-brain --set epochs=2 --set batchSize=32";

test("phantom, index, train, evaluate, predict", async () => {
  const phantoms = await done("phantom --out @/data --studies 14 --seed 3 --matrix 64 --slices 5 --test-studies 2");
  assert.equal(phantoms["studies"], 14);
  const index = (await done("index @/data --out @/index")) as { ledger: { found: number; used: number } };
  assert.deepEqual([index.ledger.found, index.ledger.used], [81, 80]); // the label table is set aside
  const trained = await done(`train --data @/index --run @/run ${settings}`);
  assert.equal(trained["work"], "trained");
  const evaluation = (await done("evaluate --run @/run")) as { counts: { scored: number } };
  assert.ok(evaluation.counts.scored > 0);
  const found = (await done("predict @/data/stage_2_test --model @/run/model.onnx --out @/found")) as {
    studies: readonly unknown[];
  };
  assert.equal(found.studies.length, 2);
  const predictions = readFileSync(at("found/predictions.csv"), "utf8").trimEnd().split("\n");
  assert.equal(predictions[0], "ID,Label");
  assert.equal(predictions.length - 1, 2 * 5 * 6);
});

test("each says in words what it did and what comes next", async () => {
  const words = {
    "index @/data --out @/index-2": /81 files: 80 used, 1 set aside, 0 failed.*Next: ichor train --data .*index-2/s,
    "index @/data/stage_2_test --out @/index-3": /10 files: 10 used.*without labels: name their table with --labels/s,
    "train --data @/index --run @/run --resume": /was finished; nothing was left to do.*Next: ichor evaluate --run/s,
    "evaluate --run @/run --split validation": /BY SLICE.*brain area.*prevalence.*Next: ichor predict/s,
    "predict @/data/stage_2_test --model @/run/model.onnx --out @/found --provider wasm":
      /Not a medical device.*findings\.json/s,
  };
  for (const [text, expected] of Object.entries(words)) {
    const { code, stdout, stderr } = await line(text);
    assert.equal(code, 0, stderr);
    assert.match(stdout, expected);
  }
});

test("a folder of DICOM files with its label table is enough to train on", async () => {
  const trained = await done(`train --data @/data --run @/run-raw ${settings}`);
  assert.equal(trained["work"], "trained");
});

test("bad input is refused by its kind", async () => {
  mkdirSync(at("empty"));
  mkdirSync(at("letters"));
  writeFileSync(at("letters/dear.txt"), "no picture");
  writeFileSync(at("wrong.json"), JSON.stringify({ epochz: 3 }));
  writeFileSync(at("other.onnx"), "not a network");
  await done("phantom --out @/one --studies 1 --matrix 32 --slices 4 --test-studies 0");
  const kinds = {
    "index @/empty --out @/e1": "no CT slice",
    "index @/letters --out @/e2": "no CT slice",
    "predict @/letters --model @/run/model.onnx --out @/e3": "no CT slices",
    "predict @/data/stage_2_test --model @/other.onnx --out @/e4": "not an ONNX model",
    "predict @/nowhere --model @/run/model.onnx --out @/e5": "not found",
    "train --data @/index --run @/run": "run exists",
    "train --data @/index --run @/e6 --set epochz=3": "unknown key",
    "train --data @/index --run @/e7 --config @/wrong.json": "unknown key",
    "train --data @/index --run @/e8 --model resnet": "unknown model",
    "train --data @/index --run @/e8 --provider abacus": "unknown provider",
    "evaluate --run @/run --provider abacus": "unknown provider",
    "predict @/data/stage_2_test --model @/run/model.onnx --out @/e8 --provider abacus": "unknown provider",
    "train --data @/index --run @/letters": "not a run",
    "train --data @/nowhere --run @/e9": "not found",
    "train --data @/one --run @/e10": "too few patients",
    "train --data @/data/stage_2_train --run @/e11": "no labels",
    "evaluate --run @/letters": "not a run",
    "phantom --out @/letters --studies 2": "folder in use",
    "demo --out @/letters": "folder in use",
  };
  const got: Record<string, string> = {};
  for (const text of Object.keys(kinds)) got[text] = await refused(text);
  assert.deepEqual(got, kinds);
  assert.ok(!existsSync(at("e11/index/cache")), "refused before any slice was cached");
  // Nothing of it is left behind but what a run folder remembers of its start.
  for (const name of ["e3", "e4", "e5", "e6", "e7", "e8"]) assert.ok(!existsSync(at(name)), name);
});

test("an output folder that cannot be written is named", {
  skip: process.getuid?.() === 0 && "root may write",
}, async () => {
  mkdirSync(at("locked"));
  chmodSync(at("locked"), 0o555);
  assert.equal(await refused("index @/data --out @/locked/index"), "no permission");
  assert.equal(await refused("predict @/data --model @/run/model.onnx --out @/locked/found"), "no permission");
});
