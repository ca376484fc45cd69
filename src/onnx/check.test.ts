import assert from "node:assert/strict";
import { test } from "node:test";
import { randomArray } from "../../test/graphs.ts";
import { functionsOf } from "../autodiff/composites.ts";
import { must } from "../base/index.ts";
import { cnn } from "../models/cnn.ts";
import { ints } from "./attributes.ts";
import { buildGraph } from "./builder.ts";
import { checkModel } from "./check.ts";
import type { Graph, Node } from "./graph.ts";

const small = (): Graph => {
  const g = buildGraph("small");
  const x = g.input("x", { element: "float32", shape: ["batch", 3, 8, 8] });
  const y = g.node("Conv", [x, g.constant(randomArray([4, 3, 3, 3], 1))], {}, { names: ["convolved"] });
  const pooled = g.node("MaxPool", [y], { kernel_shape: ints([2, 2]) }, { names: ["pooled"] });
  g.output(g.node("Relu", [pooled], {}, { names: ["y"] }), "y");
  return g.finish();
};

/** What is said of the small graph with some of its nodes changed. */
function said(change: (node: Node) => Partial<Node>, more: Partial<Graph> = {}): string {
  const graph = small();
  const nodes = graph.nodes.map((node) => ({ ...node, ...change(node) }));
  const checked = checkModel({ graph: { ...graph, nodes, ...more }, functions: [] }, "some.onnx");
  return checked.kind === "ok" ? "whole" : `${checked.problem.kind}: ${checked.problem.got}`;
}
const where = (op: string, change: Partial<Node>) => (node: Node) => (node.op === op ? change : {});

test("a graph that is whole passes; so does a detector", () => {
  assert.equal(
    said(() => ({})),
    "whole",
  );
  const { graph } = cnn({ size: 32, neighbours: 3 }, "slices");
  must(checkModel({ graph, functions: functionsOf(graph.nodes) }, "cnn"));
});

test("what is not whole is told with its node", () => {
  assert.match(said(where("Relu", { inputs: ["gone"] })), /node Relu_2 \(Relu\): its input gone is made by no node/);
  assert.match(said(where("MaxPool", { inputs: ["y"] })), /its input y is made by no node before it/);
  assert.match(
    said(where("MaxPool", { outputs: ["convolved"] })),
    /the value convolved made twice, by node Conv_0 \(Conv\) and node MaxPool_1 \(MaxPool\)/,
  );
  assert.match(said(where("Relu", { outputs: ["x"] })), /the value x made twice, by an input/);
  assert.match(said(where("Relu", { outputs: ["z"] })), /the output y, which no node makes/);
  assert.match(said(where("MaxPool", { attributes: {} })), /MaxPool_1 \(MaxPool\) without its attribute kernel_shape/);
  assert.match(said(where("MaxPool", { attributes: { kernel_shape: ints([3, 3]) } })), /pooled declared as float32/);
  assert.match(said(where("Conv", { inputs: ["x"] })), /node Conv_0 \(Conv\): Conv lacks input 1/);
  assert.match(said(where("Relu", { domain: "elsewhere" })), /elsewhere:Relu\), a function without a body/);
  assert.match(said(where("Relu", { op: "Frob" })), /node Relu_2 \(Frob\): no shape rule for Frob/);
});

test("a type that nobody declared is found, one that contradicts is told", () => {
  const types = new Map(small().types);
  types.delete("pooled");
  const free = said(() => ({}), { types });
  assert.equal(free, "whole");
  types.set("pooled", { element: "int64", shape: ["batch", 4, 3, 3] });
  assert.match(
    said(() => ({}), { types }),
    /pooled declared as int64\[batch, 4, 3, 3\]/,
  );
});
