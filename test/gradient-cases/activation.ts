import fc from "fast-check";
import { type Attributes, float, int, string } from "../../src/onnx/index.ts";
import { axisIn, between, kinkless, normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

/** An activation with its attributes drawn; with those left out every operator of one input is tried anyway. */
const withAttributes = (row: string, attributes: fc.Arbitrary<Attributes>): OperatorCase => ({
  row,
  of: "attributes",
  uses: fc.tuple(shapeOf(0), attributes).map(([shape, drawn]) => ({
    inputs: { x: between(-4, 4)(shape) },
    write: (g, { x }) => g.node(row, [x], drawn),
  })),
});

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((x) => float(Math.fround(x)));

const softmax = (row: string): OperatorCase => ({
  row,
  uses: shapeOf(1).chain((shape) =>
    fc.option(axisIn(shape.length), { nil: undefined }).map((axis) => ({
      inputs: { x: between(-4, 4)(shape) },
      write: (g, { x }) => g.node(row, [x], axis === undefined ? {} : { axis: int(axis) }),
    })),
  ),
});

export const cases: readonly OperatorCase[] = [
  ...["Celu", "Elu", "LeakyRelu", "ThresholdedRelu"].map((row) =>
    withAttributes(row, fc.record({ alpha: number(0.2, 2) })),
  ),
  withAttributes("HardSigmoid", fc.record({ alpha: number(0.1, 0.3), beta: number(0.2, 0.8) })),
  withAttributes("Selu", fc.record({ alpha: number(0.2, 2), gamma: number(1, 2) })),
  withAttributes("Shrink", fc.record({ lambd: number(0.2, 2), bias: number(0, 1) })),
  {
    ...withAttributes("Gelu", fc.record({ approximate: fc.constantFrom("none", "tanh").map(string) })),
    opset: 20,
  },
  ...["LogSoftmax", "Softmax"].map(softmax),
  {
    row: "LpNormalization",
    uses: fc.tuple(axisIn(3), fc.constantFrom(1, 2)).map(([axis, p]) => ({
      inputs: { x: kinkless([2, 3, 2]) },
      write: (g, { x }) => g.node("LpNormalization", [x], { axis: int(axis), p: int(p) }),
    })),
  },
  {
    row: "Softmax",
    of: "attention as it is written: softmax(q·kᵀ/√d)·v",
    uses: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })).map(([places, depth]) => ({
      inputs: { q: normal([2, places, depth]), k: normal([2, depth, places]), v: normal([2, places, 3]) },
      write: (g, { q, k, v }) => {
        const scores = g.node("Div", [g.node("MatMul", [q, k]), g.scalar(Math.sqrt(depth))]);
        return g.node("MatMul", [g.node("Softmax", [scores]), v]);
      },
    })),
  },
  {
    row: "Sigmoid",
    of: "swish as it is written: x·σ(x)",
    uses: shapeOf(0).map((shape) => ({
      inputs: { x: between(-4, 4)(shape) },
      write: (g, { x }) => g.node("Mul", [x, g.node("Sigmoid", [x])]),
    })),
  },
];
