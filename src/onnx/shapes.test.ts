import assert from "node:assert/strict";
import { test } from "node:test";
import { int, ints } from "./attributes.ts";
import { buildGraph, type GraphBuilder } from "./builder.ts";
import { checkModel } from "./check.ts";
import { encodeModel } from "./encode.ts";
import type { Attributes, Value, ValueType } from "./graph.ts";
import { readModel } from "./read.ts";

/** A call on x [2, 3, 4, 4] that names an axis or a list wrongly, and what is said of it. */
interface Odd {
  readonly op: string;
  readonly more?: (g: GraphBuilder) => readonly (Value | undefined)[];
  readonly attributes?: Attributes;
  readonly said: RegExp;
}

const weights = (g: GraphBuilder, rank: number) => {
  const shape = [3, 3, ...Array.from({ length: rank - 2 }, () => 1)];
  return g.constant({ data: new Float32Array(9), shape });
};
const indices = (g: GraphBuilder) => g.constant({ data: BigInt64Array.of(0n), shape: [1, 1, 1, 1] });
const number = (g: GraphBuilder, value: number) => g.constant({ data: BigInt64Array.of(BigInt(value)), shape: [] });

const axis4 = { axis: int(4) };
const odd: readonly Odd[] = [
  ...["Softmax", "LogSoftmax", "Hardmax", "LpNormalization", "Concat", "ArgMax"].map((op) => ({
    op,
    attributes: axis4,
    said: /axis 4 of a value with 4 axes/,
  })),
  { op: "LayerNormalization", attributes: { axis: int(-5) }, said: /axis -5 of a value with 4 axes/ },
  { op: "Flatten", attributes: { axis: int(5) }, said: /axis 5 of a value with 4 axes/ },
  { op: "Transpose", attributes: { perm: ints([0, 1, 2, 2]) }, said: /axis 2 is named twice/ },
  { op: "Transpose", attributes: { perm: ints([0, 1]) }, said: /perm has 2 entries where 4/ },
  { op: "MeanVarianceNormalization", attributes: { axes: ints([7]) }, said: /axis 7 of a value with 4 axes/ },
  { op: "ReduceSum", more: (g) => [g.axes([4])], said: /axis 4 of a value with 4 axes/ },
  { op: "Squeeze", more: (g) => [g.axes([-5])], said: /axis -5 of a value with 4 axes/ },
  { op: "Squeeze", more: (g) => [g.axes([1])], said: /axis 1 has the length 3/ },
  { op: "Unsqueeze", more: (g) => [g.axes([5])], said: /axis 5 of a value with 5 axes/ },
  { op: "Unsqueeze", more: (g) => [g.axes([1, 1])], said: /axis 1 is named twice/ },
  { op: "Gather", more: (g) => [g.axes([0])], attributes: axis4, said: /axis 4 of a value with 4 axes/ },
  { op: "GatherElements", more: (g) => [indices(g)], attributes: axis4, said: /axis 4 of a value with 4 axes/ },
  { op: "GatherND", more: (g) => [g.axes([0])], attributes: { batch_dims: int(4) }, said: /axis 4 of a value with 4/ },
  { op: "ScatterElements", more: (g) => [indices(g)], attributes: axis4, said: /axis 4 of a value with 4 axes/ },
  { op: "TopK", more: (g) => [g.axes([1])], attributes: axis4, said: /axis 4 of a value with 4 axes/ },
  { op: "CumSum", more: (g) => [number(g, 4)], said: /axis 4 of a value with 4 axes/ },
  { op: "Slice", more: (g) => [g.axes([0]), g.axes([1]), g.axes([9])], said: /axis 9 of a value with 4 axes/ },
  { op: "Slice", more: (g) => [g.axes([0]), g.axes([1, 2])], said: /ends has 2 entries where 1/ },
  { op: "Slice", more: (g) => [g.axes([0, 0, 0, 0, 0]), g.axes([1, 1, 1, 1, 1])], said: /axis 4 of a value with 4/ },
  { op: "Pad", more: (g) => [g.axes([1, 1]), undefined, g.axes([4])], said: /axis 4 of a value with 4 axes/ },
  { op: "Pad", more: (g) => [g.axes([1, 1])], said: /pads has 2 entries where 8/ },
  { op: "Split", more: (g) => [g.axes([1, 1])], attributes: axis4, said: /axis 4 of a value with 4 axes/ },
  { op: "Split", more: (g) => [g.axes([1, 1])], attributes: { axis: int(1) }, said: /parts of \[1,1\] do not make 3/ },
  { op: "Tile", more: (g) => [g.axes([2])], said: /repeats has 1 entries where 4/ },
  { op: "Reshape", more: (g) => [g.axes([6, 16, 1, 1, 0])], said: /axis 4 of a value with 4 axes/ },
  { op: "Reshape", more: (g) => [g.axes([-1, -1])], said: /\[-1,-1\] is no shape/ },
  {
    op: "Resize",
    more: (g) => [undefined, undefined, g.axes([4])],
    attributes: { axes: ints([6]) },
    said: /axis 6 of/,
  },
  { op: "Resize", more: (g) => [undefined, undefined, g.axes([4])], said: /sizes has 1 entries where 4/ },
  { op: "Conv", more: (g) => [weights(g, 3)], said: /the weights' shape has 3 entries where 4/ },
  {
    op: "Conv",
    more: (g) => [weights(g, 4)],
    attributes: { strides: ints([1]) },
    said: /strides has 1 entries where 2/,
  },
  { op: "Conv", more: (g) => [weights(g, 4)], attributes: { strides: ints([1, 0]) }, said: /go by 0/ },
  { op: "MaxPool", attributes: { kernel_shape: ints([2]) }, said: /kernel_shape has 1 entries where 2/ },
];

test("an axis that a value has not, and a list of another length, are told with the node", () => {
  for (const { op, more, attributes = {}, said } of odd) {
    const g = buildGraph("odd");
    const type: ValueType = { element: "float32", shape: [2, 3, 4, 4] };
    const x = g.input("x", type);
    const inputs = [x, ...(more?.(g) ?? [])];
    const outputs = op === "Split" ? [type, type] : [type];
    g.output(g.nodes(op, inputs, attributes, { types: outputs })[0]!, "y");
    const graph = g.finish();
    const checked = checkModel({ graph, functions: [] }, "odd.onnx");
    const read = readModel(encodeModel({ graph, functions: [], metadata: {} }), "odd.onnx");
    for (const answer of [checked, read]) {
      const got = answer.kind === "problem" ? answer.problem.got : "whole";
      assert.match(got, said, op);
      assert.match(got, new RegExp(`^node ${op}_0 \\(${op}\\)`));
    }
  }
});
