import fc from "fast-check";
import { shaped } from "../../src/base/index.ts";
import { float, floats, int, ints, tensor } from "../../src/onnx/index.ts";
import { normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const whole = (value: number) => shaped(BigInt64Array.of(BigInt(value)), []);

export const cases: readonly OperatorCase[] = [
  {
    row: "Constant",
    uses: fc
      .constantFrom(
        { value: tensor(shaped(Float32Array.of(1, 2), [2, 1])) },
        { value_float: float(0.5) },
        { value_floats: floats([0.5, 0.25]) },
        { value_int: int(3) },
        { value_ints: ints([3, 4]) },
      )
      .map((attributes) => ({ inputs: {}, write: (g) => g.node("Constant", [], attributes) })),
  },
  {
    row: "ConstantOfShape",
    uses: shapeOf(1).map((shape) => ({
      inputs: {},
      write: (g) => g.node("ConstantOfShape", [g.axes(shape)], { value: tensor(shaped(Float32Array.of(2), [1])) }),
    })),
  },
  {
    row: "Range",
    uses: fc
      .tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: -5, max: 5 }), fc.constantFrom(1, 2, -1))
      .filter(([start, limit, delta]) => (limit - start) * delta > 0)
      .map((numbers) => ({
        inputs: {},
        write: (g) =>
          g.node(
            "Range",
            numbers.map((one) => g.constant(whole(one))),
          ),
      })),
  },
  {
    row: "Shape",
    uses: fc.tuple(shapeOf(1), fc.boolean()).map(([shape, part]) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node("Shape", [x], part ? { start: int(-2), end: int(-1) } : {}),
    })),
  },
  {
    row: "Size",
    uses: shapeOf(0).map((shape) => ({ inputs: { x: normal(shape) }, write: (g, { x }) => g.node("Size", [x]) })),
  },
];
