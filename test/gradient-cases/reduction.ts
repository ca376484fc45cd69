import fc from "fast-check";
import { int } from "../../src/onnx/index.ts";
import { normal, shapeOf } from "../draws.ts";
import type { Draw, OperatorCase } from "../gradient-check.ts";

const reduction = (row: string, draw: (shape: readonly number[]) => Draw = normal): OperatorCase => ({
  row,
  uses: shapeOf(1).chain((shape) =>
    fc
      .tuple(
        fc.subarray(
          shape.map((_, axis) => axis),
          { minLength: 1 },
        ),
        fc.constantFrom(0, shape.length),
        fc.nat(1),
      )
      .map(([axes, back, keep]) => ({
        inputs: { x: draw(shape) },
        write: (g, { x }) => g.node(row, [x, g.axes(axes.map((axis) => axis - back))], { keepdims: int(keep) }),
      })),
  ),
});

export const cases: readonly OperatorCase[] = [reduction("ReduceMean"), reduction("ReduceSum")];
