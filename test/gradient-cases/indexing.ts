import fc from "fast-check";
import { type Shaped, shaped, sizeOf } from "../../src/base/index.ts";
import { int, string } from "../../src/onnx/index.ts";
import { axisIn, normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";
import { numbers } from "../graphs.ts";

/** Random places of an axis of `size`, some counted from the back, some twice. */
const places = (shape: readonly number[], size: number): Shaped =>
  shaped(
    BigInt64Array.from(numbers(sizeOf(shape), size), (u) => BigInt(Math.floor(u * size))),
    shape,
  );

/** Each place of an axis once, in another order on each line along it. */
const shuffled = (shape: readonly number[], axis: number): Shaped => {
  const stride = sizeOf(shape.slice(axis + 1));
  return shaped(
    BigInt64Array.from({ length: sizeOf(shape) }, (_, i) => {
      const [line, place] = [Math.floor(i / (stride * shape[axis]!)) + (i % stride), Math.floor(i / stride)];
      return BigInt((place + line) % shape[axis]!);
    }),
    shape,
  );
};

const scatter = (reduction: "none" | "add"): OperatorCase => ({
  row: "ScatterElements",
  of: reduction,
  uses: shapeOf(1, 3).chain((shape) =>
    axisIn(shape.length).map((axis) => ({
      inputs: { x: normal(shape), updates: normal(shape) },
      write: (g, { x, updates }) => {
        const front = axis < 0 ? axis + shape.length : axis;
        const indices = reduction === "none" ? shuffled(shape, front) : places(shape, shape[front]!);
        const attributes = { axis: int(axis), reduction: string(reduction) };
        return g.node("ScatterElements", [x, g.constant(indices), updates], attributes);
      },
    })),
  ),
});

const rows = (values: readonly number[]): Shaped => shaped(BigInt64Array.from(values, BigInt), [values.length, 1]);

export const cases: readonly OperatorCase[] = [
  {
    row: "Gather",
    uses: fc.tuple(shapeOf(1, 3), shapeOf(0, 2)).chain(([shape, taken]) =>
      axisIn(shape.length).map((axis) => ({
        inputs: { x: normal(shape) },
        write: (g, { x }) => g.node("Gather", [x, g.constant(places(taken, shape.at(axis)!))], { axis: int(axis) }),
      })),
    ),
    runs: 16,
  },
  {
    row: "GatherElements",
    uses: shapeOf(1, 3).chain((shape) =>
      fc.tuple(axisIn(shape.length), fc.integer({ min: 1, max: 5 })).map(([axis, count]) => ({
        inputs: { x: normal(shape) },
        write: (g, { x }) =>
          g.node("GatherElements", [x, g.constant(places(shape.with(axis, count), shape.at(axis)!))], {
            axis: int(axis),
          }),
      })),
    ),
  },
  {
    row: "GatherND",
    uses: fc
      .record({ common: fc.integer({ min: 0, max: 1 }), depth: fc.integer({ min: 1, max: 2 }), count: fc.nat(3) })
      .map(({ common, depth, count }) => ({
        inputs: { x: normal([2, 3, 3, 2]) },
        write: (g, { x }) => {
          const indices = places([...(common === 1 ? [2] : []), count + 1, depth], 2);
          return g.node("GatherND", [x, g.constant(indices)], { batch_dims: int(common) });
        },
      })),
  },
  scatter("none"),
  scatter("add"),
  ...(["none", "add"] as const).map(
    (reduction): OperatorCase => ({
      row: "ScatterND",
      of: reduction,
      uses: shapeOf(0, 2).map((rest) => ({
        inputs: { x: normal([4, ...rest]), updates: normal([3, ...rest]) },
        write: (g, { x, updates }) => {
          const indices = g.constant(rows(reduction === "none" ? [2, -1, 0] : [1, 1, -1]));
          return g.node("ScatterND", [x, indices, updates], { reduction: string(reduction) });
        },
      })),
    }),
  ),
  {
    row: "TopK",
    uses: shapeOf(1, 3).chain((shape) =>
      fc.record({ axis: axisIn(shape.length), largest: fc.nat(1), less: fc.nat(1) }).map(({ axis, largest, less }) => ({
        inputs: { x: normal(shape) },
        write: (g, { x }) => {
          const k = g.axes([Math.max(1, shape.at(axis)! - less)]);
          return g.nodes("TopK", [x, k], { axis: int(axis), largest: int(largest) });
        },
      })),
    ),
  },
  {
    row: "OneHot",
    uses: fc.tuple(shapeOf(1, 2), fc.integer({ min: 1, max: 5 })).chain(([shape, depth]) =>
      axisIn(shape.length + 1).map((axis) => ({
        inputs: {},
        write: (g) => {
          const values = g.constant(shaped(Float32Array.of(-1, 2), [2]));
          return g.node("OneHot", [g.constant(places(shape, depth)), g.axes([depth]), values], { axis: int(axis) });
        },
      })),
    ),
  },
];
