import assert from "node:assert/strict";
import { test } from "node:test";
import { randomArray } from "../../test/graphs.ts";
import { must, shaped } from "../base/index.ts";
import { int } from "./attributes.ts";
import { buildGraph, type GraphBuilder } from "./builder.ts";
import { encodeModel } from "./encode.ts";
import type { Model } from "./graph.ts";
import { networkFromModel } from "./network.ts";
import { readModel } from "./read.ts";

/** x [2, 3, 4, 4] → convolution → batch normalisation in training mode → dropout in training mode. */
function exported(): Model {
  const g = buildGraph("exported");
  const x = g.input("x", { element: "float32", shape: [2, 3, 4, 4] });
  const convolved = g.node("Conv", [x, g.constant(randomArray([1, 3, 1, 1], 1), "w"), one(g, "b")]);
  const statistics = ["scale", "bias", "mean", "variance"].map((name) => one(g, name));
  const [y] = g.nodes(
    "BatchNormalization",
    [convolved, ...statistics],
    { training_mode: int(1) },
    {
      names: ["normal", "mean_next", "variance_next"],
      outputs: 3,
    },
  );
  const training = g.node("Equal", [g.axes([1]), g.axes([1])]);
  g.output(g.node("Dropout", [y, g.scalar(0.5), g.node("Squeeze", [training])]), "logits");
  return { graph: g.finish(), functions: [], metadata: {} };
}

const one = (g: GraphBuilder, name: string) => g.constant(shaped(Float32Array.of(0.5), [1]), name);

const networkOf = (model: Model) => networkFromModel(must(readModel(encodeModel(model), "it")));

test("what was exported in training mode becomes a network in the form of inference", () => {
  const { graph } = networkOf(exported());
  const [normal, drop] = ["BatchNormalization", "Dropout"].map((op) => graph.nodes.find((node) => node.op === op)!);
  assert.equal(normal!.attributes["training_mode"], undefined);
  assert.equal(normal!.outputs.length, 1);
  assert.equal(drop!.inputs.length, 2);
});

test("weights of one number are trained as well, and running statistics are buffers", () => {
  const { parameters, buffers } = networkOf(exported());
  assert.deepEqual(parameters.map(({ name }) => name).sort(), ["b", "bias", "scale", "w"]);
  assert.deepEqual(buffers.map(({ name }) => name).sort(), ["mean", "variance"]);
});
