import fc from "fast-check";
import { type Attributes, int, ints, string } from "../../src/onnx/index.ts";
import { normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const each = (axes: number, min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: axes, maxLength: axes });

/** Attributes and lengths of a pooling; pads are below the kernel, as ONNX Runtime wants them. */
const poolings = (axes: number) =>
  fc
    .record({
      size: each(axes, 5, 7),
      kernel: each(axes, 1, 3),
      strides: each(axes, 1, 3),
      before: each(axes, 0, 1),
      after: each(axes, 0, 1),
      dilations: each(axes, 1, 2),
      ceil: fc.nat(1),
      auto: fc.constantFrom("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    })
    .map(
      ({
        size,
        kernel,
        strides,
        before,
        after,
        dilations,
        ceil,
        auto,
      }): { size: readonly number[]; attributes: Attributes } => ({
        size,
        attributes: {
          kernel_shape: ints(kernel),
          // ONNX Runtime refuses auto_pad with strides beyond the kernel
          strides: ints(auto.startsWith("SAME") ? strides.map((one, axis) => Math.min(one, kernel[axis]!)) : strides),
          ...(auto === "NOTSET"
            ? {
                pads: ints([...before, ...after].map((pad, side) => Math.min(pad, kernel[side % axes]! - 1))),
                dilations: ints(dilations),
                ceil_mode: int(ceil),
              }
            : { auto_pad: string(auto) }),
        },
      }),
    );

const axesCounts: readonly (readonly [string, number, number])[] = [
  ["one axis", 1, 12],
  ["two axes", 2, 16],
  ["three axes", 3, 6],
];

const maxPool = ([of, axes, runs]: readonly [string, number, number]): OperatorCase => ({
  row: "MaxPool",
  of,
  uses: fc.tuple(poolings(axes), fc.boolean()).map(([{ size, attributes }, all]) => ({
    inputs: { x: normal([2, 2, ...size]) },
    write: (g, { x }) => g.nodes("MaxPool", [x], attributes, all ? { outputs: 2 } : {}),
  })),
  runs,
});

const averagePool = ([of, axes, runs]: readonly [string, number, number]): OperatorCase => ({
  row: "AveragePool",
  of,
  uses: fc.tuple(poolings(axes), fc.nat(1)).map(
    ([
      {
        size,
        attributes: { dilations: _, ...attributes },
      },
      counted,
    ]) => ({
      inputs: { x: normal([2, 2, ...size]) },
      write: (g, { x }) => g.node("AveragePool", [x], { ...attributes, count_include_pad: int(counted) }),
    }),
  ),
  runs,
});

const dilatedAverage: OperatorCase = {
  row: "AveragePool",
  of: "dilated, from opset 19 on",
  opset: 19,
  uses: poolings(2).map(({ size, attributes }) => ({
    inputs: { x: normal([2, 1, ...size]) },
    write: (g, { x }) => g.node("AveragePool", [x], attributes),
  })),
};

const globals = ["GlobalAveragePool", "GlobalMaxPool"].map(
  (row): OperatorCase => ({
    row,
    uses: shapeOf(3, 5).map((shape) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node(row, [x]),
    })),
  }),
);

export const cases: readonly OperatorCase[] = [
  ...axesCounts.map(averagePool),
  dilatedAverage,
  ...globals,
  ...axesCounts.map(maxPool),
];
