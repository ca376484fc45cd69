import fc from "fast-check";
import { shaped } from "../../src/base/index.ts";
import { type Attributes, int, ints, string } from "../../src/onnx/index.ts";
import { axisIn, length, normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const axesOf = (shape: readonly number[]) => shape.map((_, axis) => axis);

const concat: OperatorCase = {
  row: "Concat",
  uses: shapeOf(1).chain((shape) =>
    fc.tuple(axisIn(shape.length), length, fc.boolean()).map(([axis, other, three]) => ({
      inputs: {
        a: normal(shape),
        b: normal(shape.with(axis, other)),
        ...(three ? { c: normal(shape.with(axis, 2)) } : {}),
      },
      write: (g, { a, b, c }) => g.node("Concat", three ? [a, b, c] : [a, b], { axis: int(axis) }),
    })),
  ),
};

const split: OperatorCase = {
  row: "Split",
  uses: shapeOf(1, 3).chain((rest) =>
    fc
      .record({ axis: axisIn(rest.length), parts: fc.array(length, { minLength: 1, maxLength: 3 }), used: fc.nat(2) })
      .map(({ axis, parts, used }) => ({
        inputs: {
          x: normal(
            rest.with(
              axis,
              parts.reduce((a, b) => a + b),
            ),
          ),
        },
        // Some parts are not used any further: no gradient reaches them.
        write: (g, { x }) => g.nodes("Split", [x, g.axes(parts)], { axis: int(axis) }).slice(0, used + 1),
      })),
  ),
};

/** One slice of one axis: any start and end, also beyond the ends, and any step. */
const sliceOf = (axis: number) =>
  fc.record({
    axis: fc.constant(axis),
    start: fc.integer({ min: -6, max: 6 }),
    end: fc.integer({ min: -9, max: 9 }),
    step: fc.constantFrom(1, 2, 3, -1, -2),
  });

const slice: OperatorCase = {
  row: "Slice",
  uses: fc
    .tuple(sliceOf(0), sliceOf(-1), fc.boolean())
    .filter(([first, last]) => [first, last].every((one) => taken(one) > 0))
    .map(([first, last, plain]) => ({
      inputs: { x: normal([5, 2, 5]) },
      write: (g, { x }) =>
        plain && first.step === 1
          ? g.node("Slice", [x, g.axes([first.start]), g.axes([first.end])])
          : g.node("Slice", [
              x,
              g.axes([first.start, last.start]),
              g.axes([first.end, last.end]),
              g.axes([first.axis, last.axis]),
              g.axes([first.step, last.step]),
            ]),
    })),
  runs: 30,
};

/** How many of an axis of 5 a slice takes. */
function taken({ start, end, step }: { start: number; end: number; step: number }): number {
  const [low, high] = step > 0 ? [0, 5] : [-1, 4];
  const within = (place: number, least: number) => Math.min(Math.max(place < 0 ? place + 5 : place, least), high);
  return Math.ceil((within(end, low) - within(start, 0)) / step);
}

const padding = (mode: "constant" | "reflect" | "edge" | "wrap", min: number): OperatorCase => ({
  row: "Pad",
  of: mode,
  uses: fc
    .record({
      shape: fc.array(fc.integer({ min: 3, max: 4 }), { minLength: 2, maxLength: 3 }),
      pads: fc.array(fc.integer({ min, max: 2 }), { minLength: 6, maxLength: 6 }),
      form: fc.constantFrom("all", "axes"),
    })
    .map(({ shape, pads, form }) => ({
      inputs: { x: normal(shape), ...(mode === "constant" ? { fill: normal([]) } : {}) },
      write: (g, { x, fill }) => {
        const all = g.axes(pads.slice(0, 2 * shape.length));
        const inputs = form === "all" ? [x, all, fill] : [x, g.axes(pads.slice(0, 2)), fill, g.axes([-1])];
        while (inputs.at(-1) === undefined) inputs.pop();
        return g.node("Pad", inputs, { mode: string(mode) });
      },
    })),
});

const blocks = (row: "DepthToSpace" | "SpaceToDepth"): OperatorCase => ({
  row,
  uses: fc
    .record({ channels: length, height: length, width: length, size: fc.constantFrom(1, 2, 3), mode: fc.nat(1) })
    .map(({ channels, height, width, size, mode }) => {
      const attributes: Attributes = { blocksize: int(size) };
      const deep = row === "DepthToSpace";
      const [across, factor] = deep ? [1, size * size] : [size, 1];
      return {
        inputs: { x: normal([2, channels * factor, height * across, width * across]) },
        write: (g, { x }) => g.node(row, [x], deep && mode === 1 ? { ...attributes, mode: string("CRD") } : attributes),
      };
    }),
});

export const cases: readonly OperatorCase[] = [
  concat,
  split,
  slice,
  padding("constant", -1),
  padding("edge", 0),
  padding("reflect", 0),
  padding("wrap", 0),
  blocks("DepthToSpace"),
  blocks("SpaceToDepth"),
  {
    row: "Cast",
    of: "between floats, and to integers, through which nothing flows",
    uses: fc.tuple(shapeOf(0), fc.constantFrom(1, 6, 7, 9, 11)).map(([shape, to]) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node("Cast", [g.node("Cast", [x], { to: int(to) })], { to: int(1) }),
    })),
  },
  {
    row: "CastLike",
    uses: shapeOf(0).map((shape) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => {
        const wide = g.node("CastLike", [x, g.constant({ data: Float64Array.of(0), shape: [1] })]);
        return g.node("CastLike", [wide, x]);
      },
    })),
  },
  {
    row: "Expand",
    uses: fc.tuple(shapeOf(0, 3), shapeOf(0, 4)).map(([shape, more]) => {
      const wanted = shape.map((one, axis) => (one === 1 ? (more[axis] ?? 2) : one));
      return {
        inputs: { x: normal(shape) },
        write: (g, { x }) => g.node("Expand", [x, g.axes(more.length > 3 ? [2, ...wanted] : wanted)]),
      };
    }),
  },
  {
    row: "Flatten",
    uses: shapeOf(1).chain((shape) =>
      fc.integer({ min: 0, max: shape.length }).map((axis) => ({
        inputs: { x: normal(shape) },
        write: (g, { x }) => g.node("Flatten", [x], { axis: int(axis) }),
      })),
    ),
  },
  {
    row: "Reshape",
    uses: shapeOf(1).map((shape) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node("Reshape", [x, g.axes([0, ...shape.slice(1).reverse(), 1].with(-1, -1))]),
    })),
  },
  {
    row: "Squeeze",
    uses: fc.tuple(shapeOf(0, 2), fc.boolean()).map(([shape, all]) => ({
      inputs: { x: normal([1, ...shape, 1]) },
      write: (g, { x }) => g.node("Squeeze", all ? [x] : [x, g.axes([0, -1])]),
    })),
  },
  {
    row: "Tile",
    uses: shapeOf(1).chain((shape) =>
      fc.array(length, { minLength: shape.length, maxLength: shape.length }).map((repeats) => ({
        inputs: { x: normal(shape) },
        write: (g, { x }) => g.node("Tile", [x, g.axes(repeats)]),
      })),
    ),
  },
  {
    row: "Transpose",
    uses: shapeOf(1).chain((shape) =>
      fc.shuffledSubarray(axesOf(shape), { minLength: shape.length }).map((perm) => ({
        inputs: { x: normal(shape) },
        write: (g, { x }) => g.node("Transpose", [x], { perm: ints(perm) }),
      })),
    ),
  },
  {
    row: "Trilu",
    uses: fc
      .record({ k: fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined }), upper: fc.nat(1) })
      .map(({ k, upper }) => ({
        inputs: { x: normal([2, 3, 4]) },
        write: (g, { x }) => {
          const diagonal = k === undefined ? [] : [g.constant(shaped(BigInt64Array.of(BigInt(k)), []))];
          return g.node("Trilu", [x, ...diagonal], { upper: int(upper) });
        },
      })),
  },
  {
    row: "Unsqueeze",
    uses: shapeOf(0, 3).map((shape) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node("Unsqueeze", [x, g.axes([0, -1])]),
    })),
  },
];
