import assert from "node:assert/strict";
import { test } from "node:test";
import { randomArray } from "../../test/graphs.ts";
import { must } from "../base/index.ts";
import {
  type Attributes,
  buildGraph,
  encodeModel,
  evaluateGraph,
  type GraphBuilder,
  int,
  ints,
  readModel,
  string,
  type Value,
} from "./index.ts";

const kernel = { kernel_shape: ints([3, 2]), strides: ints([2, 2]) };
const x = randomArray([2, 2, 7, 6], 1);
const conv = (attributes: Attributes) => (g: GraphBuilder, value: Value) =>
  g.node("Conv", [value, g.constant(randomArray([3, 2, 3, 2], 2))], { strides: ints([2, 2]), ...attributes });
const pool = (op: string, attributes: Attributes) => (g: GraphBuilder, value: Value) =>
  g.node(op, [value], { ...kernel, ...attributes });

const uses = {
  "a convolution with the longer pads at the end": conv({ auto_pad: string("SAME_UPPER") }),
  "a convolution with the longer pads at the beginning": conv({ auto_pad: string("SAME_LOWER") }),
  "a convolution without pads": conv({ auto_pad: string("VALID") }),
  "a maximum over padded windows": pool("MaxPool", { auto_pad: string("SAME_UPPER") }),
  "a maximum whose last windows reach out": pool("MaxPool", { ceil_mode: int(1), strides: ints([3, 3]) }),
  "a mean over padded windows": pool("AveragePool", { auto_pad: string("SAME_LOWER") }),
};

for (const [name, write] of Object.entries(uses)) {
  test(`a model is read with its pads written out: ${name}`, () => {
    const g = buildGraph("windows");
    g.output(write(g, g.input("x", { element: "float32", shape: x.shape })), "y");
    const model = { graph: g.finish(), functions: [], metadata: {} };
    const read = must(readModel(encodeModel(model), "memory"));
    const attributes = read.graph.nodes[0]!.attributes;
    assert.deepEqual(
      ["auto_pad", "ceil_mode"].filter((one) => one in attributes),
      [],
    );
    assert.deepEqual(evaluateGraph(read, { x }), evaluateGraph(model, { x }));
  });
}
