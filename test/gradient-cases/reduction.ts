import fc from "fast-check";
import { int } from "../../src/onnx/index.ts";
import { axisIn, normal, positive, shapeOf } from "../draws.ts";
import type { Draw, OperatorCase } from "../gradient-check.ts";

/** Axes from the front or the back, none, or an empty list, which means all or (with noop_with_empty_axes) no axis. */
const reduction = (row: string, draw: (shape: readonly number[]) => Draw = normal): OperatorCase => ({
  row,
  uses: shapeOf(1).chain((shape) =>
    fc
      .record({
        axes: fc.option(fc.subarray(shape.map((_, axis) => axis)), { nil: undefined }),
        back: fc.constantFrom(0, shape.length),
        keep: fc.nat(1),
        noop: fc.nat(1),
      })
      .map(({ axes, back, keep, noop }) => ({
        inputs: { x: draw(shape) },
        write: (g, { x }) => {
          const given = axes === undefined ? [] : [g.axes(axes.map((axis) => axis - back))];
          return g.node(row, [x, ...given], { keepdims: int(keep), noop_with_empty_axes: int(noop) });
        },
      })),
  ),
  runs: 16,
});

const indexOf = (row: string): OperatorCase => ({
  row,
  uses: shapeOf(1).chain((shape) =>
    fc.record({ axis: axisIn(shape.length), keep: fc.nat(1), last: fc.nat(1) }).map(({ axis, keep, last }) => ({
      inputs: { x: { shape, from: (u: number) => Math.round(2 * u) } },
      write: (g, { x }) => g.node(row, [x], { axis: int(axis), keepdims: int(keep), select_last_index: int(last) }),
    })),
  ),
});

export const cases: readonly OperatorCase[] = [
  ...["ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd"].map((row) =>
    reduction(row),
  ),
  ...["ReduceSum", "ReduceSumSquare"].map((row) => reduction(row)),
  reduction("ReduceLogSum", positive),
  {
    row: "ReduceProd",
    of: "with zeros",
    uses: fc.constantFrom(0, 1, 2).map((zeros) => ({
      inputs: { x: normal([2, 4]) },
      write: (g, { x }) => {
        const keep = Float32Array.from({ length: 8 }, (_, i) => (i < zeros ? 0 : 1));
        return g.node("ReduceProd", [g.node("Mul", [x, g.constant({ data: keep, shape: [2, 4] })]), g.axes([1])]);
      },
    })),
  },
  ...["ArgMax", "ArgMin"].map(indexOf),
];
