import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, floats, randomArray } from "../../test/graphs.ts";
import { must } from "../base/index.ts";
import { buildGraph, encodeModel, float, ints, type Model, type Value } from "../onnx/index.ts";
import { lowerForward } from "./blocked/lower.ts";
import { probeBlock } from "./blocked/probe.ts";
import { openExecutor } from "./executor.ts";
import { openForward } from "./forward.ts";

const block = await probeBlock();
const skip = block === undefined ? "this processor has no blocked operators" : false;

/** Sums of a thousand float32 products in another order, one convolution after the other. */
const tolerance = 2e-6;

/** A stem and a residual block of many channels, as of a ResNet, with batch normalisation and a named batch. */
function network(channels: number, slices: number | string): Model {
  const g = buildGraph("forward");
  let seed = 1;
  const constant = (...shape: number[]) => g.constant(randomArray(shape, seed++));
  const conv = (x: Value, [from, kernel, stride]: readonly [number, number, number]) => {
    const pad = (kernel - 1) / 2;
    const y = g.node("Conv", [x, constant(channels, from, kernel, kernel)], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([pad, pad, pad, pad]),
    });
    const variance = g.constant({ data: new Float32Array(channels).fill(from * kernel), shape: [channels] });
    const parts = [constant(channels), constant(channels), constant(channels), variance];
    return g.node("BatchNormalization", [y, ...parts], { epsilon: float(1e-5) });
  };
  const relu = (x: Value) => g.node("Relu", [x]);
  const image = g.input("image", { element: "float32", shape: [slices, 3, 32, 32] });
  const x = relu(conv(image, [3, 5, 2]));
  const inner = relu(conv(x, [channels, 3, 1]));
  const y = relu(g.node("Add", [conv(inner, [channels, 3, 1]), x]));
  g.output(g.node("Flatten", [g.node("GlobalAveragePool", [y])]), "features");
  return { graph: g.finish(), functions: [], metadata: {} };
}

for (const form of ["model", "bytes"] as const) {
  test(`a forward graph given as ${form} gives the same lowered, and in other shapes, as it stands`, {
    skip,
  }, async () => {
    const model = network(128, "slices");
    const given = form === "bytes" ? encodeModel(model) : model;
    const [plain, fast] = [must(await openExecutor(model)), must(await openForward(given, { threads: 1 }))];
    for (const slices of [6, 2, 6]) {
      const image = randomArray([slices, 3, 32, 32], slices);
      const [wanted, mine] = [await plain.run({ image }), await fast.run({ image })];
      assert.ok(distance(floats(mine["features"]), floats(wanted["features"])) < tolerance);
      // The same to the last bit only where it is the same graph.
      assert.equal(distance(floats(mine["features"]), floats(wanted["features"])) === 0, slices === 2);
    }
    await Promise.all([plain.close(), fast.close()]);
    await assert.rejects(fast.run({ image: randomArray([6, 3, 32, 32], 1) }));
  });
}

test("it is lowered only where multiplications are saved and every convolution has a blocked form", { skip }, () => {
  assert.ok(lowerForward(network(128, 6), block!) !== undefined);
  assert.ok(lowerForward(network(16, 6), block!) === undefined);
  assert.ok(lowerForward(network(128, "slices"), block!) === undefined);
});
