import assert from "node:assert/strict";
import { test } from "node:test";
import { floats, randomArray, runGraph } from "../../test/graphs.ts";
import { operatorCases } from "../../test/operator-cases.ts";
import { must } from "../base/index.ts";
import { int, ints } from "./attributes.ts";
import { buildGraph, type GraphBuilder } from "./builder.ts";
import { encodeModel, readModelMetadata } from "./encode.ts";
import { type Graph, layOut, lengthOfSlots, type Value } from "./graph.ts";
import { liveNodes } from "./passes.ts";
import { shapedOperators } from "./shapes.ts";

/** One use of each operator with a shape rule; ONNX Runtime says whether the inferred shape is right. */
const uses: Readonly<Record<string, (g: GraphBuilder, x: Value, w: Value) => Value>> = {
  AveragePool: (g, x) => g.node("AveragePool", [x], { kernel_shape: ints([2, 3]), strides: ints([2, 1]) }),
  Clip: (g, x) => g.node("Clip", [x, g.scalar(0), g.scalar(1)]),
  Concat: (g, x) => g.node("Concat", [x, x, x], { axis: int(-2) }),
  Conv: (g, x, w) =>
    g.node("Conv", [x, w], { strides: ints([2, 3]), pads: ints([1, 0, 2, 1]), dilations: ints([2, 1]) }),
  Expand: (g, x) => g.node("Expand", [x, g.axes([4, 1, 1, 1, 1])]),
  Flatten: (g, x) => g.node("Flatten", [x], { axis: int(2) }),
  Gather: (g, x) => g.node("Gather", [x, g.axes([2, 0, 0, 1])], { axis: int(1) }),
  Gemm: (g, x) => g.node("Gemm", [g.node("Flatten", [x]), g.node("Flatten", [x])], { transB: int(1) }),
  GlobalAveragePool: (g, x) => g.node("GlobalAveragePool", [x]),
  MatMul: (g, x) => g.node("MatMul", [x, g.node("Transpose", [x], { perm: ints([0, 1, 3, 2]) })]),
  MaxPool: (g, x) =>
    g.node("MaxPool", [x], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) }),
  ReduceMax: (g, x) => g.node("ReduceMax", [x, g.axes([1, -1])], { keepdims: int(0) }),
  ReduceMean: (g, x) => g.node("ReduceMean", [x, g.axes([2])]),
  ReduceSum: (g, x) => g.node("ReduceSum", [x], { keepdims: int(0) }),
  Reshape: (g, x) => g.node("Reshape", [x, g.axes([0, -1, 6])]),
  Split: (g, x) => g.nodes("Split", [x, g.axes([1, 2])], { axis: int(1) })[1]!,
  Transpose: (g, x) => g.node("Transpose", [x]),
};

for (const [op, write] of Object.entries(uses)) {
  test(`the shape of ${op} is inferred as ONNX Runtime makes it`, async () => {
    let inferred: readonly unknown[] = [];
    const inputs = { x: randomArray([2, 3, 7, 6], 1), w: randomArray([4, 3, 3, 2], 2) };
    const { y } = await runGraph(inputs, (g, { x, w }) => {
      const value = write(g, x!, w!);
      inferred = value.type.shape;
      return { y: value };
    });
    assert.deepEqual(inferred, y?.shape);
  });
}

test("every shape rule is tried, here or with the operator's gradient", () => {
  const tried = new Set([...Object.keys(uses), ...operatorCases.map(({ row }) => row)]);
  assert.deepEqual(
    shapedOperators.filter((op) => !tried.has(op)),
    [],
  );
});

test("a shape that does not fit is refused where the graph is written", () => {
  const g = buildGraph("wrong");
  const x = g.input("x", { element: "float32", shape: [2, 3, 7, 6] });
  assert.throws(() => g.node("Add", [x, g.constant(randomArray([5, 6], 1))]), /do not broadcast/);
  assert.throws(() => g.node("Conv", [x, g.constant(randomArray([4, 2, 3, 3], 1))]), /3 input channels do not fit/);
  assert.throws(() => g.node("Unheard", [x]), /no shape rule for Unheard: add a row/);
});

const small = (): Graph => {
  const g = buildGraph("small");
  const x = g.input("x", { element: "float32", shape: ["slices", 2] });
  g.node("Exp", [x]);
  g.output(g.node("Mul", [x, g.constant(randomArray([1, 2], 4), "factor")]), "y");
  return g.finish();
};

test("equal models have equal bytes and keep their metadata", () => {
  const metadata = { ichor: '{"version":1}', other: "ü" };
  const [once, twice] = [1, 2].map(() => encodeModel({ graph: small(), functions: [], metadata }));
  assert.deepEqual(once, twice);
  assert.deepEqual(must(readModelMetadata(once!, "small")), metadata);
});

test("a mutilated model is a problem that names the file, never a throw", () => {
  const bytes = encodeModel({ graph: small(), functions: [], metadata: {} });
  for (let length = 0; length < bytes.length; length += 7) {
    const result = readModelMetadata(bytes.subarray(0, length), "cut.onnx");
    if (result.kind === "problem") assert.equal(result.problem.where, "cut.onnx");
  }
});

test("nodes on which no output depends are dropped", () => {
  assert.deepEqual(
    liveNodes(small()).nodes.map(({ op }) => op),
    ["Mul", "Identity"],
  );
});

test("slots fill a vector one after the other", () => {
  const slots = layOut([
    { name: "a", shape: [2, 3] },
    { name: "b", shape: [] },
    { name: "c", shape: [4] },
  ]);
  assert.deepEqual(
    slots.map(({ offset }) => offset),
    [0, 6, 7],
  );
  assert.equal(lengthOfSlots(slots), 11);
});

test("constants and values of a graph come through ONNX Runtime unchanged", async () => {
  const x = randomArray([2, 2], 9);
  const { y } = await runGraph({ x }, (g, values) => ({ y: g.node("Add", [values["x"], g.scalar(0)]) }));
  assert.deepEqual(floats(y), x.data);
});
