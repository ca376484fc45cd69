import assert from "node:assert/strict";
import { test } from "node:test";
import { floats, runGraph } from "../../test/graphs.ts";
import { shaped } from "../base/index.ts";
import { buildGraph, type GraphBuilder, int, string, type Value } from "../onnx/index.ts";
import { differentiate } from "./differentiate.ts";

const open = (): { g: GraphBuilder; x: Value } => {
  const g = buildGraph("test");
  return { g, x: g.input("x", { element: "float32", shape: [2, 3] }) };
};
const sum = (g: GraphBuilder, value: Value) => g.node("ReduceSum", [value], { keepdims: int(0) });

test("a value on which the loss does not depend, or only through steps and shapes, has no gradient", () => {
  const { g, x } = open();
  const other = g.input("other", { element: "float32", shape: [] });
  assert.deepEqual([...differentiate(g, sum(g, g.node("Exp", [x])), [other]).keys()], []);
  const shape = g.node("Cast", [g.node("Shape", [x])], { to: int(1) });
  assert.deepEqual([...differentiate(g, sum(g, shape), [x]).keys()], []);
  assert.deepEqual([...differentiate(g, sum(g, g.node("Floor", [x])), [x]).keys()], []);
});

test("axes that are not constant are an error that names the node", () => {
  const { g, x } = open();
  const axes = g.input("axes", { element: "int64", shape: [1] });
  const y = g.node("ReduceMax", [x, axes], {}, { types: [{ element: "float32", shape: [1, 3] }] });
  assert.throws(
    () => differentiate(g, sum(g, y), [x]),
    /ReduceMax_0: the gradient of ReduceMax wants axes as a constant/,
  );
});

test("an index twice in one operand, and a scatter that multiplies, are errors that name the node", () => {
  const { g, x } = open();
  const square = g.node("MatMul", [x, g.node("Transpose", [x])]);
  const trace = g.node("Einsum", [square], { equation: string("ii->") });
  assert.throws(() => differentiate(g, trace, [x]), /Einsum_2: no gradient of an Einsum that repeats an index/);
  const row = g.constant(shaped(BigInt64Array.of(0n), [1, 1]));
  const scattered = g.node("ScatterND", [x, row, g.node("Slice", [x, g.axes([0]), g.axes([1])])], {
    reduction: string("mul"),
  });
  assert.throws(() => differentiate(g, sum(g, scattered), [x]), /ScatterND_\d: .* reduction mul: use none or add/);
});

for (const op of ["Sigmoid", "Tanh", "Softplus", "Mish", "HardSwish", "Elu", "Selu", "Celu", "Softmax", "LogSoftmax"]) {
  test(`${op} and its gradient are finite in float32 where e^x is not`, async () => {
    const x = shaped(Float32Array.of(-1000, -100, -1e-30, 0, 100, 1000), [1, 6]);
    const answer = await runGraph({ x }, (g, { x: value }) => {
      const y = g.node(op, [value]);
      return { y, dx: differentiate(g, sum(g, y), [value!]).get("x")! };
    });
    for (const name of ["y", "dx"])
      assert.ok(floats(answer[name]).every(Number.isFinite), `${name}: ${floats(answer[name])}`);
  });
}

test("ReduceLogSumExp and its gradient are finite in float32 where e^x is not", async () => {
  const x = shaped(Float32Array.of(-1000, 999, 1000), [3]);
  const { y, dx } = await runGraph({ x }, (g, { x: value }) => {
    const total = g.node("ReduceLogSumExp", [value, g.axes([0])], { keepdims: int(0) });
    return { y: total, dx: differentiate(g, total, [value!]).get("x")! };
  });
  assert.ok(Math.abs(floats(y)[0]! - 1000.31326) < 1e-3);
  assert.ok(Math.abs(floats(dx)[2]! - 1 / (1 + Math.exp(-1))) < 1e-4);
});
