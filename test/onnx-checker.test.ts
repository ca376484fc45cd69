// What Ichor writes, beside ONNX's own checker and shape inference.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { trainingProgram } from "../src/autodiff/index.ts";
import { must } from "../src/base/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { models } from "../src/models/index.ts";
import { checkModel, encodeModel, encodeModelWithData, type Model } from "../src/onnx/index.ts";
import { askOracle, pythonSays, without } from "./python.ts";

const skip = without("python3-onnx", "onnx");
const newest = Number(pythonSays("import onnx; print(onnx.defs.onnx_opset_version())") ?? 0);
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
  return askOracle("onnx_check.py", paths)
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
