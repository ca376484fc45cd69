import assert from "node:assert/strict";
import { test } from "node:test";
import { floats, randomArray, runGraph } from "../../test/graphs.ts";
import { operatorCases } from "../../test/operator-cases.ts";
import { must, shaped } from "../base/index.ts";
import { int, ints } from "./attributes.ts";
import { buildGraph, type GraphBuilder } from "./builder.ts";
import { encodeModel, encodeModelWithData, readModelMetadata } from "./encode.ts";
import { type Graph, layOut, lengthOfSlots, type Value } from "./graph.ts";
import { liveNodes } from "./passes/live.ts";
import { readModel } from "./read.ts";
import { shapedOperators } from "./shapes.ts";

/** One use of each operator with a shape rule; ONNX Runtime says whether the inferred shape is right. */
const uses: Readonly<Record<string, (g: GraphBuilder, x: Value, w: Value) => Value>> = {
  AveragePool: (g, x) => g.node("AveragePool", [x], { kernel_shape: ints([2, 3]), strides: ints([2, 1]) }),
  Clip: (g, x) => g.node("Clip", [x, g.scalar(0), g.scalar(1)]),
  Concat: (g, x) => g.node("Concat", [x, x, x], { axis: int(-2) }),
  Conv: (g, x, w) =>
    g.node("Conv", [x, w], { strides: ints([2, 3]), pads: ints([1, 0, 2, 1]), dilations: ints([2, 1]) }),
  Expand: (g, x) => g.node("Expand", [x, g.axes([4, 1, 1, 1, 1])]),
  EyeLike: (g, x) => g.node("EyeLike", [g.node("Flatten", [x])], { k: int(1) }),
  Flatten: (g, x) => g.node("Flatten", [x], { axis: int(2) }),
  Gather: (g, x) => g.node("Gather", [x, g.axes([2, 0, 0, 1])], { axis: int(1) }),
  Gemm: (g, x) => g.node("Gemm", [g.node("Flatten", [x]), g.node("Flatten", [x])], { transB: int(1) }),
  GlobalAveragePool: (g, x) => g.node("GlobalAveragePool", [x]),
  GlobalLpPool: (g, x) => g.node("GlobalLpPool", [x], { p: int(3) }),
  Hardmax: (g, x) => g.node("Hardmax", [x], { axis: int(1) }),
  LpPool: (g, x) =>
    g.node("LpPool", [x], { kernel_shape: ints([3, 2]), strides: ints([2, 1]), pads: ints([1, 0, 0, 1]) }),
  LRN: (g, x) => g.node("LRN", [x], { size: int(3) }),
  MatMul: (g, x) => g.node("MatMul", [x, g.node("Transpose", [x], { perm: ints([0, 1, 3, 2]) })]),
  MaxPool: (g, x) =>
    g.node("MaxPool", [x], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) }),
  MeanVarianceNormalization: (g, x) => g.node("MeanVarianceNormalization", [x]),
  RandomNormal: (g) => g.node("RandomNormal", [], { shape: ints([3, 1, 2]) }),
  RandomNormalLike: (g, x) => g.node("RandomNormalLike", [x], { dtype: int(11) }),
  RandomUniform: (g) => g.node("RandomUniform", [], { shape: ints([0, 2]), dtype: int(1) }),
  RandomUniformLike: (g, x) => g.node("RandomUniformLike", [x]),
  Bernoulli: (g, x) => g.node("Bernoulli", [g.node("Abs", [x])], { dtype: int(7) }),
  ReduceMax: (g, x) => g.node("ReduceMax", [x, g.axes([1, -1])], { keepdims: int(0) }),
  ReduceMean: (g, x) => g.node("ReduceMean", [x, g.axes([2])]),
  ReduceSum: (g, x) => g.node("ReduceSum", [x], { keepdims: int(0) }),
  Reshape: (g, x) => g.node("Reshape", [x, g.axes([0, -1, 6])]),
  ReverseSequence: (g, x) =>
    g.node("ReverseSequence", [x, g.axes([1, 2, 1])], { time_axis: int(0), batch_axis: int(1) }),
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

/** Uses of outputs that an operator gives where they are asked for, and of what its other forms mean. */
const forms: Readonly<Record<string, (g: GraphBuilder, x: Value, w: Value) => readonly Value[]>> = {
  "MaxPool's indices": (g, x) =>
    g.nodes("MaxPool", [x], { kernel_shape: ints([2, 2]), ceil_mode: int(1) }, { names: ["best", "where"] }),
  "LayerNormalization's mean and deviation": (g, x) =>
    g.nodes(
      "LayerNormalization",
      [x, g.constant(randomArray([7, 6], 3))],
      { axis: int(-2) },
      { names: ["n", "m", "d"] },
    ),
  "Dropout's mask": (g, x) => g.nodes("Dropout", [x], {}, { names: ["kept", "mask"] }),
  "BatchNormalization's statistics": (g, x) => {
    const [s, v] = [g.constant(randomArray([3], 4)), g.constant(shaped(Float32Array.of(1, 2, 3), [3]))];
    return g.nodes("BatchNormalization", [x, s, s, s, v], { training_mode: int(1) }, { names: ["b", "mean", "var"] });
  },
  "Split into so many parts": (g, x) =>
    g.nodes("Split", [x], { axis: int(2), num_outputs: int(3) }, { names: ["p", "q", "r"] }),
  "MatMul of vectors": (g, x) => {
    const v = g.constant(randomArray([6], 5));
    return [
      g.node("MatMul", [x, v]),
      g.node("MatMul", [v, v]),
      g.node("MatMul", [v, g.node("Transpose", [x], { perm: ints([0, 1, 3, 2]) })]),
    ];
  },
  "Flatten before the first and the last axis": (g, x) =>
    [0, -1, 4].map((axis) => g.node("Flatten", [x], { axis: int(axis) })),
  "Reshape to nothing": (g, x) => [
    g.node("Reshape", [g.node("Slice", [x, g.axes([0]), g.axes([0])]), g.axes([5, 0])], { allowzero: int(1) }),
  ],
};

for (const [form, write] of Object.entries(forms)) {
  test(`the shapes of ${form} are inferred as ONNX Runtime makes them`, async () => {
    let inferred: readonly unknown[] = [];
    const inputs = { x: randomArray([2, 3, 7, 6], 1), w: randomArray([4, 3, 3, 2], 2) };
    const found = await runGraph(inputs, (g, { x, w }) => {
      const values = write(g, x!, w!);
      inferred = values.map(({ type }) => type.shape);
      return Object.fromEntries(values.map((value, index) => [`y${index}`, value]));
    });
    assert.deepEqual(
      inferred,
      inferred.map((_, index) => found[`y${index}`]?.shape),
    );
  });
}

test("named lengths flow through sums and products of lengths", () => {
  const g = buildGraph("named");
  const x = g.input("x", { element: "float32", shape: ["batch", 4, 6] });
  const y = g.input("y", { element: "float32", shape: ["others", 4, 6] });
  const shape = (value: Value) => value.type.shape;
  assert.deepEqual(shape(g.node("Concat", [x, y, g.constant(randomArray([2, 4, 6], 1))], { axis: int(0) })), [
    "batch+others+2",
    4,
    6,
  ]);
  assert.deepEqual(shape(g.node("Flatten", [x], { axis: int(2) })), ["batch*4", 6]);
  assert.deepEqual(shape(g.node("Reshape", [x, g.axes([-1, 24])])), ["batch", 24]);
  assert.deepEqual(shape(g.node("Reshape", [x, g.axes([-1, 6])])), ["batch*4", 6]);
  assert.deepEqual(shape(g.node("Reshape", [x, g.axes([0, 2, -1])])), ["batch", 2, 12]);
  assert.deepEqual(shape(g.node("Add", [x, g.constant(randomArray([3, 1, 6], 2))])), [3, 4, 6]);
  assert.throws(
    () => g.node("Reshape", [g.constant(randomArray([7], 3)), g.axes([-1, 2])]),
    /\[7\] over \[2\] is not whole/,
  );
});

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
  assert.throws(() => g.node("MatMul", [x, x]), /lengths 6 and 7 are to be summed over/);
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

test("large constants go into a file beside the model and come back from it", () => {
  const g = buildGraph("large");
  const w = g.constant(randomArray([8, 3, 5, 5], 3), "large");
  const b = g.constant(randomArray([8], 4), "small");
  g.output(g.node("Conv", [g.input("image", { element: "float32", shape: ["batch", 3, 6, 6] }), w, b]), "y");
  const model = { graph: g.finish(), functions: [], metadata: { made: "here" } };
  const { bytes, data } = encodeModelWithData(model, { file: "large.data" });
  assert.equal(data.length, 8 * 3 * 5 * 5 * 4);
  assert.ok(bytes.length < 1000);
  const external = (path: string, offset: number, length: number | undefined) => {
    assert.equal(path, "large.data");
    return data.subarray(offset, length === undefined ? undefined : offset + length);
  };
  const inside = must(readModel(encodeModel(model), "it"));
  assert.deepEqual(must(readModel(bytes, "it", { external })), inside);
  assert.equal(readModel(bytes, "it").kind, "problem");
});
