import fc from "fast-check";
import { normaliseBatch } from "../../src/autodiff/composites.ts";
import { float, int } from "../../src/onnx/index.ts";
import { length, normal, positive, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const epsilon = float(1e-2);

const layer: OperatorCase = {
  row: "LayerNormalization",
  uses: fc
    .tuple(shapeOf(2, 4), fc.nat(3), fc.boolean(), fc.boolean(), fc.boolean())
    .map(([shape, from, back, biased, all]) => {
      const axis = from % shape.length;
      const inner = shape.slice(axis);
      return {
        inputs: { x: normal(shape), scale: positive(inner), ...(biased ? { bias: normal(inner) } : {}) },
        write: (g, { x, scale, bias }) =>
          g.nodes(
            "LayerNormalization",
            bias === undefined ? [x, scale] : [x, scale, bias],
            { axis: int(back ? axis - shape.length : axis), epsilon },
            all ? { outputs: 3 } : {},
          ),
      };
    }),
  runs: 12,
};

const instance: OperatorCase = {
  row: "InstanceNormalization",
  uses: shapeOf(3, 5).map((shape) => ({
    inputs: { x: normal(shape), scale: positive([shape[1]!]), bias: normal([shape[1]!]) },
    write: (g, { x, scale, bias }) => g.node("InstanceNormalization", [x, scale, bias], { epsilon }),
  })),
};

const group = (opset: number): OperatorCase => ({
  row: "GroupNormalization",
  of: opset < 21 ? "a scale a group" : "a scale a channel",
  opset,
  uses: fc.tuple(length, length, shapeOf(1, 3)).map(([groups, each, [batch, ...plane]]) => {
    const parts = [opset < 21 ? groups : groups * each];
    return {
      inputs: { x: normal([batch!, groups * each, ...plane, 3]), scale: positive(parts), bias: normal(parts) },
      write: (g, { x, scale, bias }) =>
        g.node("GroupNormalization", [x, scale, bias], { epsilon, num_groups: int(groups) }),
    };
  }),
});

const running: OperatorCase = {
  row: "BatchNormalization",
  of: "with running statistics",
  uses: shapeOf(2, 5).map((shape) => {
    const parts = [shape[1]!];
    return {
      inputs: {
        x: normal(shape),
        scale: positive(parts),
        bias: normal(parts),
        mean: normal(parts),
        variance: positive(parts),
      },
      write: (g, { x, scale, bias, mean, variance }) =>
        g.node("BatchNormalization", [x, scale, bias, mean, variance], { epsilon }),
    };
  }),
};

const dropout: OperatorCase = {
  row: "Dropout",
  of: "out of training",
  uses: fc.tuple(shapeOf(0, 4), fc.boolean()).map(([shape, rated]) => ({
    inputs: { x: normal(shape) },
    write: (g, { x }) => (rated ? g.nodes("Dropout", [x, g.scalar(0.3)], {}, { outputs: 2 }) : g.node("Dropout", [x])),
  })),
};

export const cases: readonly OperatorCase[] = [
  dropout,
  running,
  group(18),
  group(21),
  instance,
  layer,
  {
    row: "ichor:BatchNormalizationTraining",
    uses: shapeOf(2, 5).map((shape) => ({
      inputs: { x: normal([3, ...shape.slice(1)]), scale: positive([shape[1]!]), bias: normal([shape[1]!]) },
      write: (g, { x, scale, bias }) =>
        Object.values(normaliseBatch(g, { x: x!, scale: scale!, bias: bias!, epsilon: 1e-2 })).slice(0, 1),
    })),
  },
];
