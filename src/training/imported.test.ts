import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tinyBackbone } from "../../test/tiny-backbone.ts";
import { must, type Result } from "../base/index.ts";
import { openDetector } from "../models/index.ts";
import { decodeModel } from "../onnx/index.ts";
import { readRun, resolveConfig, train } from "./index.ts";
import { makeSlices, newFolder, smallTraining } from "./slices-fixture.test.ts";

const folder = newFolder();
mkdirSync(folder);

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const problemOf = (result: Result<unknown>) => (result.kind === "problem" ? result.problem : assert.fail("no problem"));

const small = ["preprocessing.size=16", "batchSize=8", "epochs=2", "learningRate=0.01"];
const configOf = (file: string) => resolveConfig({ sets: ["model=imported", `backbone.file=${file}`, ...small] });

test("a network from a file is trained to a detector, and the run says which file it was", async () => {
  const data = makeSlices({ patients: 8, positive: 4 });
  const bytes = tinyBackbone(16);
  const file = write("tiny.onnx", bytes);
  const options = { ...smallTraining("cnn", { data }), config: must(configOf(file)) };
  const summary = must(await train(options));
  assert.equal(summary.work, "trained");
  const { info, paths } = must(readRun(options.run));
  assert.deepEqual(info.config.backbone, { file, sha256: createHash("sha256").update(bytes).digest("hex") });
  const detector = must(await openDetector(paths.model, { threads: 1 }));
  assert.deepEqual(
    [detector.info.model, detector.info.evidence, detector.info.windows.length],
    ["imported", "none", 3],
  );
  const answer = await detector.score(new Float32Array(5 * 3 * 16 * 16), 5);
  assert.equal(answer.sliceLogits.length, 30);
  await detector.close();

  const frozen = must(
    resolveConfig({ sets: ["model=imported", `backbone.file=${file}`, 'frozen=["stem.*"]', ...small] }),
  );
  const half = { ...options, run: newFolder(), config: frozen };
  must(await train(half));
  const stemOf = (run: string) => {
    const { graph } = must(decodeModel(readFileSync(must(readRun(run)).paths.model), run));
    return graph.constants.get("stem.weight")?.data;
  };
  const first = must(decodeModel(bytes, file)).graph.constants.get("stem.weight")?.data;
  assert.deepEqual(stemOf(half.run), first);
  assert.notDeepEqual(stemOf(options.run), first);

  const larger = must(resolveConfig({ sets: ["model=imported", `backbone.file=${file}`, "preprocessing.size=32"] }));
  const refused = problemOf(await train({ ...options, run: newFolder(), config: larger }));
  assert.equal(
    `${refused.kind}: ${refused.got}`,
    "backbone refused: it wants images of 16×16: set preprocessing.size=16",
  );
  const text = must(configOf(write("text.onnx", new TextEncoder().encode("no model"))));
  assert.equal(problemOf(await train({ ...options, run: newFolder(), config: text })).kind, "not an ONNX model");
  writeFileSync(file, tinyBackbone(24));
  assert.equal(problemOf(await train({ ...options, run: newFolder() })).kind, "backbone changed");
});

test("a backbone that is missing, not asked for or not given is refused with the next step", () => {
  assert.equal(problemOf(configOf(join(folder, "none.onnx"))).kind, "not found");
  assert.match(problemOf(resolveConfig({ sets: ["model=imported"] })).next, /backbone\.file=network\.onnx/);
  assert.equal(problemOf(resolveConfig({ sets: ["backbone.file=x.onnx"] })).kind, "backbone");
});
