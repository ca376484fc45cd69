// Networks of operators that are newer than opset 18, trained: their steps and their gradients.
import assert from "node:assert/strict";
import { test } from "node:test";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must, shaped } from "../src/base/index.ts";
import {
  buildGraph,
  encodeModel,
  evaluateGraph,
  initialise,
  int,
  ints,
  networkFromModel,
  readModel,
} from "../src/onnx/index.ts";
import { openTrainingSession } from "../src/runtime/index.ts";
import { distance, numbers, randomArray } from "./graphs.ts";

const optimiser = { kind: "sgd", momentum: 0.9 } as const;

/** Gelu of opset 20, a dilated AveragePool of 19 and a GroupNormalization of 21, as a file. */
function newer(): Uint8Array {
  const g = buildGraph("newer", { opset: 22 });
  const x = g.input("image", { element: "float32", shape: [2, 3, 8, 8] });
  const w = g.constant(randomArray([4, 3, 3, 3], 1), "w");
  const [scale, bias] = [g.constant(randomArray([4], 2), "scale"), g.constant(randomArray([4], 3), "bias")];
  const y = g.node("GroupNormalization", [g.node("Conv", [x, w]), scale, bias], { num_groups: int(2) });
  const pooled = g.node("AveragePool", [g.node("Gelu", [y])], { kernel_shape: ints([2, 2]), dilations: ints([2, 2]) });
  const head = g.constant(randomArray([3, 4], 4), "head");
  const features = g.node("Flatten", [g.node("GlobalAveragePool", [pooled])]);
  g.output(g.node("Gemm", [features, head], { transB: int(1) }), "slice_logits");
  return encodeModel({ graph: g.finish(), functions: [], metadata: {} });
}

test("a network of opset 22 takes the steps that its graph says, in either form", async () => {
  const network = networkFromModel(must(readModel(newer(), "newer.onnx")));
  const start = initialise(network, 1);
  const program = trainingProgram(network, { optimiser, lossWeights: [1, 1, 1] });
  const image = numbers(2 * 3 * 64, 5);
  const labels = Float32Array.of(1, 0, 1, 0, 0, 1);
  const initial = initialVectors(program, network, start);
  for (const form of ["portable", "fastest"] as const) {
    const session = must(await openTrainingSession(program, initial, { threads: 1, form }));
    const losses: number[] = [];
    const wanted: number[] = [];
    let state: Readonly<Record<string, Float32Array>> = initial;
    for (let step = 1; step <= 3; step++) {
      const feeds = { image, labels, ...optimiserScalars(optimiser, { step, rate: 0.1, decay: 0 }) };
      const flat = Object.entries({ ...state, ...feeds }).map(([name, data]) => {
        const shape = program.feeds.find((feed) => feed.name === name)?.shape ?? [data.length];
        return [name, shaped(data, shape)] as const;
      });
      wanted.push(Number(evaluateGraph(program.model, Object.fromEntries(flat))["loss"]!.data[0]));
      losses.push((await session.step(feeds)).loss);
      state = await session.read();
    }
    await session.close();
    assert.ok(distance(losses, wanted) < 1e-5, `${form}: ${losses} against ${wanted}`);
    assert.ok(losses[2]! < losses[0]!);
  }
});
