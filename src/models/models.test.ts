import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { detectorInfo } from "../../test/detector-info.ts";
import { distance, numbers } from "../../test/graphs.ts";
import { tinyBackbone } from "../../test/tiny-backbone.ts";
import { must } from "../base/index.ts";
import { labels } from "../labels/index.ts";
import { buildGraph, encodeModel, initialise, readModel } from "../onnx/index.ts";
import { detectorFromBytes, exportDetector, openDetector, parseDetectorInfo } from "./detector.ts";
import { type ModelName, models } from "./models.ts";

const infoOf = (model: ModelName, size: number) => {
  const { preprocessing, neighbours, windows, evidence } = models[model];
  return detectorInfo({
    model,
    preprocessing: { ...preprocessing, size },
    neighbours,
    windows: [...windows],
    evidence,
  });
};

const detectorBytes = (model: ModelName, size: number) => {
  const backbone = must(readModel(tinyBackbone(size), "tiny.onnx")).graph;
  const network = models[model].build({ size, neighbours: models[model].neighbours, width: 8, backbone }, "slices");
  return exportDetector(network, initialise(network, 3), infoOf(model, size));
};

for (const model of Object.keys(models) as ModelName[]) {
  test(`${model} exports a detector that scores any number of slices, the same alone as together`, async () => {
    const { neighbours } = models[model];
    const size = 32;
    const detector = must(await detectorFromBytes(detectorBytes(model, size)));
    const each = neighbours * size * size;
    const hu = numbers(5 * each, 1).map((x) => 40 + 100 * x);
    const all = await detector.score(hu, 5);
    assert.equal(all.sliceLogits.length, 30);
    for (const slice of [0, 4]) {
      const one = await detector.score(hu.slice(slice * each, (slice + 1) * each), 1);
      assert.ok(distance(one.sliceLogits, all.sliceLogits.slice(slice * 6, slice * 6 + 6)) < 1e-5);
    }
    labels.forEach((_, label) => {
      assert.equal(
        all.studyLogits[label],
        Math.max(...[0, 1, 2, 3, 4].map((slice) => all.sliceLogits[slice * 6 + label]!)),
      );
    });
    await detector.close();
  });

  test(`${model} exports equal bytes for equal parameters`, () => {
    assert.deepEqual(detectorBytes(model, 32), detectorBytes(model, 32));
  });
}

test("the mean of the CNN's evidence map of a label is its logit", async () => {
  const detector = must(await detectorFromBytes(detectorBytes("cnn", 32)));
  const { evidence, sliceLogits } = await detector.score(
    numbers(2 * 3 * 32 * 32, 1).map((x) => 40 + 100 * x),
    2,
  );
  assert.deepEqual(evidence?.shape, [2, 6, 2, 2]);
  const means = Array.from(sliceLogits, (_, at) =>
    [0, 1, 2, 3].reduce((sum, place) => sum + evidence!.data[at * 4 + place]! / 4, 0),
  );
  assert.ok(distance(means, sliceLogits) < 1e-5);
  await detector.close();
});

test("a file that is no ONNX, not ours, or of another version is refused with its name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ichor-models-"));
  const path = join(folder, "model.onnx");
  const opened = async (bytes: Uint8Array) => {
    writeFileSync(path, bytes);
    const result = await openDetector(path);
    assert.equal(result.kind, "problem");
    assert.ok(result.kind === "problem" && result.problem.where.startsWith(path));
    return result.kind === "problem" ? result.problem.kind : "";
  };
  assert.equal(await opened(new TextEncoder().encode("<html>not a model</html>")), "not an ONNX model");
  assert.equal(await opened(new Uint8Array()), "not an ONNX model");
  const g = buildGraph("stranger");
  g.output(g.node("Relu", [g.input("x", { element: "float32", shape: [1] })]), "y");
  const graph = g.finish();
  assert.equal(await opened(encodeModel({ graph, functions: [], metadata: {} })), "not a detector");
  const other = JSON.stringify({ ...infoOf("cnn", 32), version: 2 });
  assert.equal(
    await opened(encodeModel({ graph, functions: [], metadata: { ichor: other } })),
    "detector of another version",
  );
  assert.equal((await openDetector(join(folder, "missing.onnx"))).kind, "problem");
  rmSync(folder, { recursive: true });
});

test("what a detector says of itself comes back as it went in", () => {
  assert.deepEqual(must(parseDetectorInfo(detectorBytes("cnn", 32), "model.onnx")), infoOf("cnn", 32));
});
