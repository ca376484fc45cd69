// What Ichor writes, beside ONNX's own checker and shape inference.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { trainingProgram } from "../src/autodiff/index.ts";
import { must } from "../src/base/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { models } from "../src/models/index.ts";
import { checkModel, encodeModel, encodeModelWithData, type Model } from "../src/onnx/index.ts";

const python = "/usr/bin/python3"; // Debian's, which is the one that has python3-onnx
const asked = spawnSync(python, ["-c", "import onnx; print(onnx.defs.onnx_opset_version())"], { encoding: "utf8" });
const newest = asked.status === 0 ? Number(asked.stdout) : 0;
const skip = newest > 0 ? false : "python3-onnx is not installed (Debian: apt-get install python3-onnx)";
const skipStep =
  skip || (newest < 18 ? `python3-onnx knows opset ${newest} only; a training step is of opset 18` : false);

const small = models.cnn.build({ size: 16, neighbours: 1, width: 2 }, 2);
const forward: Model = { graph: small.graph, functions: [], metadata: {} };
const step = trainingProgram(small, { optimiser: { kind: "sgd", momentum: 0 }, lossWeights }).model;
const dense = models.mlp2020.build({ size: 16, neighbours: 1 }, "slices");

/** Holds files of models against the checker; answers the outputs' shapes that onnx.shape_inference finds. */
function inferredShapes(t: TestContext, written: Readonly<Record<string, Model>>) {
  const folder = mkdtempSync(join(tmpdir(), "ichor-onnx-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const paths = Object.entries(written).map(([name, model]) => {
    must(checkModel(model, name));
    const path = join(folder, `${name}.onnx`);
    const { bytes, data } = encodeModelWithData(model, { file: `${name}.data`, above: 16 });
    writeFileSync(path, name === "outside" ? bytes : encodeModel(model));
    writeFileSync(join(folder, `${name}.data`), data);
    return path;
  });
  const script = join(import.meta.dirname, "oracles", "onnx_check.py");
  const answer = spawnSync(python, [script, ...paths], { encoding: "utf8" });
  assert.equal(answer.status, 0, answer.stderr);
  return answer.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly error?: string; readonly outputs?: Record<string, unknown> });
}

test("onnx.checker accepts what is written, and shape inference finds the declared shapes", { skip }, (t) => {
  const written = { forward, dense: { ...forward, graph: dense.graph }, outside: forward };
  const expected = Object.values(written).map(({ graph }) => ({
    outputs: Object.fromEntries(graph.outputs.map(({ name, type }) => [name, type.shape])),
  }));
  assert.deepEqual(inferredShapes(t, written), expected);
});

test("onnx.checker accepts a training step with its composites", { skip: skipStep }, (t) => {
  const [answer] = inferredShapes(t, { step });
  assert.equal(answer?.error, undefined);
});
