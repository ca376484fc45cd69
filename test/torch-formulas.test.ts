// Operators beside PyTorch in float64, also where they have no derivative: at kinks, at ties and at zeros.
import { test } from "node:test";
import { type Shaped, shaped } from "../src/base/index.ts";
import { float, int, string } from "../src/onnx/index.ts";
import { compareWithTorch, type Row, skip } from "./torch-oracle.ts";

const array = (data: readonly number[], shape: readonly number[]): Shaped<Float64Array> =>
  shaped(Float64Array.from(data), shape);
/** Kinks (0, ±0.5, ±1, ±3), ties within rows and zeros, and what lies between. */
const grid = array([-3, -1, -0.5, 0, 0, 0.5, 1, 3, 0.25, -2, 0.25, -0.7, 0, 2, 0, 1], [4, 4]);
/** Equal to the grid at half of the places. */
const other = array([-3, 2, -0.5, 1, 0, 0, 1, 2, 1, -2, 0.5, -0.7, 3, 2, -1, 1], [4, 4]);
const above = array([0.5, 1, 2, 3, 0.25, 1.5, 4, 0.1, 1, 2.5, 0.75, 1.25, 5, 0.3, 0.6, 0.9], [4, 4]);

const plain = (op: string, ...inputs: readonly Shaped<Float64Array>[]): Row => ({
  inputs,
  write: (g, values) => g.node(op, values),
});
const withAlpha = (op: string, alpha: number): Row => ({
  inputs: [grid],
  write: (g, values) => g.node(op, values, { alpha: float(alpha) }),
});
const alongRows = (op: string): Row => ({
  inputs: [grid],
  write: (g, [x]) => g.node(op, [x, g.axes([1])], { keepdims: int(0) }),
});
const padded = (mode: string): Row => ({
  inputs: [grid],
  write: (g, [x]) => g.node("Pad", [x, g.axes([0, 2, 0, 1])], { mode: string(mode) }),
});

/** One row an operator; the other side stands under the same name in test/oracles/torch_formulas.py. */
const rows: Readonly<Record<string, Row>> = {
  Abs: plain("Abs", grid),
  Celu: withAlpha("Celu", 0.5),
  Clip: { inputs: [grid], write: (g, [x]) => g.node("Clip", [x, g.scalar(-1), g.scalar(1)]) },
  CumSum: { inputs: [grid], write: (g, [x]) => g.node("CumSum", [x, g.axes([1])]) },
  DepthToSpace: {
    inputs: [grid],
    write: (g, [x]) =>
      g.node("DepthToSpace", [g.node("Reshape", [x, g.axes([1, 4, 1, 4])])], {
        blocksize: int(2),
        mode: string("CRD"),
      }),
  },
  Div: plain("Div", grid, above),
  Einsum: {
    inputs: [grid, other],
    write: (g, values) => g.node("Einsum", values, { equation: string("ij,kj->i") }),
  },
  Elu: withAlpha("Elu", 0.5),
  Erf: plain("Erf", grid),
  Gather: { inputs: [grid], write: (g, [x]) => g.node("Gather", [x, g.axes([0, 2, -2])], { axis: int(1) }) },
  GatherElements: {
    inputs: [grid],
    write: (g, [x]) => {
      const indices = BigInt64Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? 0n : 3n));
      return g.node("GatherElements", [x, g.constant(shaped(indices, [4, 3]))], { axis: int(1) });
    },
  },
  Gelu: plain("Gelu", grid),
  "Gelu tanh": { inputs: [grid], write: (g, [x]) => g.node("Gelu", [x], { approximate: string("tanh") }) },
  HardSigmoid: withAlpha("HardSigmoid", 1 / 6),
  LeakyRelu: plain("LeakyRelu", grid),
  LogSoftmax: plain("LogSoftmax", grid),
  Max: plain("Max", grid, other),
  Min: plain("Min", grid, other),
  Mish: plain("Mish", grid),
  PRelu: plain("PRelu", grid, array([0.2], [])),
  "Pad edge": padded("edge"),
  "Pad reflect": padded("reflect"),
  "Pow 0": { inputs: [grid], write: (g, [x]) => g.node("Pow", [x, g.scalar(0)]) },
  "Pow 2": { inputs: [grid], write: (g, [x]) => g.node("Pow", [x, g.scalar(2)]) },
  Pow: plain("Pow", above, other),
  Reciprocal: plain("Reciprocal", above),
  ReduceL1: alongRows("ReduceL1"),
  ReduceL2: alongRows("ReduceL2"),
  ReduceLogSumExp: alongRows("ReduceLogSumExp"),
  ReduceMax: alongRows("ReduceMax"),
  ReduceMin: alongRows("ReduceMin"),
  ReduceProd: alongRows("ReduceProd"),
  Relu: plain("Relu", grid),
  Selu: plain("Selu", grid),
  Shrink: plain("Shrink", grid),
  Sigmoid: plain("Sigmoid", grid),
  Sign: plain("Sign", grid),
  Softmax: plain("Softmax", grid),
  Softplus: plain("Softplus", grid),
  Sqrt: plain("Sqrt", above),
  Tanh: plain("Tanh", grid),
  ThresholdedRelu: withAlpha("ThresholdedRelu", 0.5),
  Where: {
    inputs: [grid, other],
    write: (g, [a, b]) => g.node("Where", [g.node("Greater", [a, b]), a, b]),
  },
};

test("operators and their gradients are PyTorch's, at kinks, ties and zeros as well", { skip }, (t) =>
  compareWithTorch(t, "torch_formulas.py", rows),
);
