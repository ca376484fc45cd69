// Operators whose form changed between opset 13 and 22, read and evaluated beside ONNX Runtime on the file as it stands.
import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, randomArray } from "../../test/graphs.ts";
import { must, type Shaped, shaped } from "../base/index.ts";
import { openExecutor } from "../runtime/index.ts";
import { float, int, ints, string, tensor } from "./attributes.ts";
import { buildGraph, type GraphBuilder } from "./builder.ts";
import { encodeModel } from "./encode.ts";
import { evaluateGraph, evaluations } from "./evaluate/evaluate.ts";
import type { Attributes, ElementType, Model, Value } from "./graph.ts";
import { readModel } from "./read.ts";

/** A call on x [2, 4, 6, 5] as an opset writes it. */
interface Written {
  readonly opset: number;
  readonly op: string;
  readonly more?: (g: GraphBuilder) => readonly (Value | undefined)[];
  readonly attributes?: Attributes;
  /** Axes of each output; one with 4 where it is left out. */
  readonly ranks?: readonly number[];
  readonly element?: ElementType;
}

const shape = [2, 4, 6, 5];
const vector = (g: GraphBuilder, values: readonly number[]) =>
  g.constant(shaped(Float32Array.from(values), [values.length]));
const channels = (g: GraphBuilder) => vector(g, [1, 2, 0.5, -1]);
const statistics = (g: GraphBuilder) => [
  channels(g),
  vector(g, [0, 1, 2, 3]),
  vector(g, [0.1, 0, 0, 0.3]),
  vector(g, [1, 2, 3, 4]),
];

const reduced = [
  "ReduceL1",
  "ReduceL2",
  "ReduceLogSumExp",
  "ReduceMax",
  "ReduceMean",
  "ReduceMin",
  "ReduceProd",
  "ReduceSumSquare",
];

const written: readonly Written[] = [
  ...reduced.flatMap((op): Written[] => [
    { op, opset: 13, attributes: { axes: ints([-1, 1]) } },
    { op, opset: 17, attributes: { axes: ints([2]), keepdims: int(0) }, ranks: [3] },
    { op, opset: 18, more: (g) => [g.axes([2, -1])] },
    { op, opset: 22, more: (g) => [g.axes([0])], attributes: { keepdims: int(0) }, ranks: [3] },
    { op, opset: 16 },
    { op, opset: 18, attributes: { noop_with_empty_axes: int(1) } },
  ]),
  { op: "ReduceSum", opset: 13, more: (g) => [g.axes([1])] },
  { op: "Split", opset: 13, attributes: { axis: int(1) }, ranks: [4, 4] },
  { op: "Split", opset: 17, more: (g) => [g.axes([1, 3])], attributes: { axis: int(1) }, ranks: [4, 4] },
  { op: "Split", opset: 18, attributes: { axis: int(-1), num_outputs: int(2) }, ranks: [4, 4] },
  { op: "Split", opset: 22, more: (g) => [g.axes([5, 1])], attributes: { axis: int(2) }, ranks: [4, 4] },
  { op: "Pad", opset: 13, more: (g) => [g.axes([0, 0, 1, 2, 0, 0, 0, 1])] },
  { op: "Pad", opset: 18, more: (g) => [g.axes([1, -1]), g.scalar(2), g.axes([3])] },
  {
    op: "Pad",
    opset: 18,
    more: (g) => [g.axes([1, 2, 0, 1]), undefined, g.axes([-2, -1])],
    attributes: { mode: string("reflect") },
  },
  {
    op: "Pad",
    opset: 21,
    more: (g) => [g.axes([1, 2, 0, 1]), undefined, g.axes([2, 3])],
    attributes: { mode: string("edge") },
  },
  {
    op: "Pad",
    opset: 19,
    more: (g) => [g.axes([1, 2, 0, 1]), undefined, g.axes([2, 3])],
    attributes: { mode: string("wrap") },
  },
  {
    op: "Resize",
    opset: 13,
    more: (g) => [undefined, vector(g, [1, 1, 2, 1.5])],
    attributes: { mode: string("linear") },
  },
  {
    op: "Resize",
    opset: 18,
    more: (g) => [undefined, undefined, g.axes([3, 3])],
    attributes: { mode: string("linear"), antialias: int(1), axes: ints([2, 3]) },
  },
  {
    op: "Resize",
    opset: 19,
    more: (g) => [undefined, undefined, g.axes([9, 9])],
    attributes: {
      mode: string("linear"),
      axes: ints([2, 3]),
      keep_aspect_ratio_policy: string("not_larger"),
      coordinate_transformation_mode: string("half_pixel_symmetric"),
    },
  },
  {
    op: "GroupNormalization",
    opset: 18,
    more: (g) => [vector(g, [2, -1]), vector(g, [0.5, 1])],
    attributes: { num_groups: int(2) },
  },
  { op: "GroupNormalization", opset: 21, more: (g) => [channels(g), channels(g)], attributes: { num_groups: int(2) } },
  { op: "Gelu", opset: 20 },
  { op: "Gelu", opset: 20, attributes: { approximate: string("tanh") } },
  {
    op: "LayerNormalization",
    opset: 17,
    more: (g) => [vector(g, [1, 2, 3, 4, 5])],
    attributes: { epsilon: float(0.01) },
  },
  {
    op: "AveragePool",
    opset: 13,
    attributes: { kernel_shape: ints([2, 3]), count_include_pad: int(1), pads: ints([0, 1, 1, 0]) },
  },
  {
    op: "AveragePool",
    opset: 19,
    attributes: { kernel_shape: ints([2, 2]), dilations: ints([2, 1]), ceil_mode: int(1), strides: ints([2, 2]) },
  },
  { op: "AveragePool", opset: 22, attributes: { kernel_shape: ints([2, 2]), auto_pad: string("SAME_UPPER") } },
  { op: "MaxPool", opset: 22, attributes: { kernel_shape: ints([3, 2]), ceil_mode: int(1), strides: ints([2, 2]) } },
  { op: "LpPool", opset: 18, attributes: { kernel_shape: ints([2, 2]), p: int(2) } },
  { op: "BatchNormalization", opset: 14, more: statistics },
  {
    op: "BatchNormalization",
    opset: 15,
    more: statistics,
    attributes: { training_mode: int(0), momentum: float(0.5) },
  },
  { op: "InstanceNormalization", opset: 22, more: (g) => [channels(g), channels(g)] },
  { op: "Cast", opset: 13, attributes: { to: int(7) }, element: "int64" },
  { op: "Cast", opset: 19, attributes: { to: int(9), saturate: int(1) }, element: "bool" },
  { op: "Cast", opset: 21, attributes: { to: int(11) }, element: "float64" },
  { op: "CastLike", opset: 19, more: (g) => [g.axes([1])], element: "int64" },
  { op: "Reshape", opset: 14, more: (g) => [g.axes([0, -1, 5])], attributes: { allowzero: int(0) }, ranks: [3] },
  { op: "Reshape", opset: 21, more: (g) => [g.axes([8, -1])], ranks: [2] },
  { op: "Shape", opset: 15, attributes: { start: int(1), end: int(-1) }, ranks: [1], element: "int64" },
  { op: "Shape", opset: 21, attributes: { start: int(-2) }, ranks: [1], element: "int64" },
  { op: "Squeeze", opset: 13, ranks: [4] },
  { op: "Unsqueeze", opset: 21, more: (g) => [g.axes([0, -1])], ranks: [6] },
  { op: "Flatten", opset: 21, attributes: { axis: int(-2) }, ranks: [2] },
  { op: "Transpose", opset: 21, attributes: { perm: ints([3, 0, 2, 1]) } },
  { op: "HardSwish", opset: 14 },
  { op: "Mish", opset: 18 },
  { op: "Trilu", opset: 14, attributes: { upper: int(0) } },
  { op: "PRelu", opset: 16, more: (g) => [g.constant(randomArray([4, 1, 1], 3))] },
  { op: "Softmax", opset: 13, attributes: { axis: int(1) } },
  { op: "ArgMax", opset: 13, attributes: { axis: int(1), keepdims: int(0) }, ranks: [3], element: "int64" },
  { op: "TopK", opset: 13, more: (g) => [g.axes([2])], attributes: { axis: int(2) }, ranks: [4, 4] },
  { op: "CumSum", opset: 14, more: (g) => [g.axes([2])], attributes: { reverse: int(1), exclusive: int(1) } },
  {
    op: "ScatterElements",
    opset: 18,
    more: (g) => [
      g.constant(shaped(BigInt64Array.of(1n, 1n), [1, 1, 1, 2])),
      g.constant(shaped(Float32Array.of(5, 6), [1, 1, 1, 2])),
    ],
    attributes: { axis: int(2), reduction: string("max") },
  },
  { op: "IsInf", opset: 20, attributes: { detect_negative: int(0) }, element: "bool" },
  { op: "IsNaN", opset: 20, element: "bool" },
  { op: "Equal", opset: 19, more: (g) => [g.scalar(0)], element: "bool" },
  { op: "Elu", opset: 22, attributes: { alpha: float(0.5) } },
  { op: "Selu", opset: 22 },
  { op: "ThresholdedRelu", opset: 22, attributes: { alpha: float(0.1) } },
  { op: "Hardmax", opset: 13, attributes: { axis: int(1) } },
  { op: "LpNormalization", opset: 22, attributes: { axis: int(1), p: int(1) } },
  { op: "DepthToSpace", opset: 13, attributes: { blocksize: int(2), mode: string("CRD") } },
  {
    op: "ConvTranspose",
    opset: 22,
    more: (g) => [g.constant(randomArray([4, 2, 3, 3], 2))],
    attributes: { group: int(2), strides: ints([2, 1]) },
  },
  {
    op: "Conv",
    opset: 22,
    more: (g) => [g.constant(randomArray([4, 2, 3, 3], 2))],
    attributes: { group: int(2), auto_pad: string("SAME_LOWER") },
  },
  { op: "ConstantOfShape", opset: 20, attributes: { value: tensor(shaped(Float32Array.of(3), [1])) }, ranks: [1] },
];

const types: readonly ElementType[] = ["float32", "int64"];

function modelOf({ opset, op, more, attributes = {}, ranks = [4], element = "float32" }: Written): Model {
  const g = buildGraph("written", { opset });
  const x = op === "ConstantOfShape" ? g.axes([3]) : g.input("x", { element: "float32", shape });
  const outputs = ranks.map((rank, index) => ({
    element: op === "TopK" ? types[index]! : element,
    shape: Array.from({ length: rank }, (_, axis) => `y${index}_${axis}`),
  }));
  g.nodes(op, [x, ...(more?.(g) ?? [])], attributes, { types: outputs }).forEach((value, index) => {
    g.output(value, `out${index}`);
  });
  return { graph: g.finish(), functions: [], metadata: {} };
}

async function run(bytes: Uint8Array, x: Shaped) {
  const executor = must(await openExecutor(bytes, { threads: 1 }));
  const answer = await executor.run(executor.inputs.length > 0 ? { x } : {});
  await executor.close();
  return answer;
}

test("operators of opset 13 to 22 are read as what ONNX Runtime makes of them in their own opset", async () => {
  const x = randomArray(shape, 11);
  for (const one of written) {
    const named = `${one.op} of opset ${one.opset}`;
    const file = encodeModel(modelOf(one));
    const wanted = await run(file, x);
    const read = must(readModel(file, named));
    const answers = [await run(encodeModel(read), x)];
    if (one.op in evaluations) answers.push(evaluateGraph(read, { x }));
    for (const [name, { data, shape: lengths }] of Object.entries(wanted)) {
      const type = read.graph.outputs.find((output) => output.name === name)?.type.shape;
      assert.deepEqual(type, lengths, `${named}: the shape of ${name}`);
      for (const answer of answers) {
        assert.deepEqual(answer[name]?.shape, lengths, named);
        const [mine, theirs] = [Array.from(answer[name]!.data, Number), Array.from(data, Number)];
        assert.ok(distance(mine, theirs) < 1e-5, `${named}: ${name} ${mine.slice(0, 5)} against ${theirs.slice(0, 5)}`);
      }
    }
  }
});
