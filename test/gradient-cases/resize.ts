import fc from "fast-check";
import { shaped } from "../../src/base/index.ts";
import { type Attributes, float, int, ints, string } from "../../src/onnx/index.ts";
import { normal } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const transformation = fc.constantFrom(
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
);
const factor = fc.constantFrom(0.5, 0.75, 1, 1.5, 2, 3);

/** x [2, 2, 4, 5], its last two axes resized by scales or to sizes, named by `axes` or not. */
const resizes = (
  mode: string,
  more: fc.Arbitrary<Attributes>,
  { axes = [2, 3], what = "" }: { readonly axes?: readonly number[]; readonly what?: string } = {},
): OperatorCase => ({
  row: "Resize",
  of: `${mode}${what} along axes ${axes}`,
  uses: fc
    .record({
      factors: fc.array(factor, { minLength: axes.length, maxLength: axes.length }),
      by: fc.constantFrom("scales", "sizes"),
      named: fc.boolean(),
      transformation,
      more,
    })
    .map(({ factors, by, named, transformation, more }) => {
      const shape = [2, 2, 4, 5].slice(0, axes.at(-1)! + 1);
      const scales = named ? factors : shape.map((_, axis) => factors[axes.indexOf(axis)] ?? 1);
      const lengths = named ? axes.map((axis) => shape[axis]!) : shape;
      return {
        inputs: { x: normal(shape) },
        write: (g, { x }) =>
          g.node(
            "Resize",
            by === "scales"
              ? [x, undefined, g.constant(shaped(Float32Array.from(scales), [scales.length]))]
              : [x, undefined, undefined, g.axes(lengths.map((length, index) => Math.floor(length * scales[index]!)))],
            {
              mode: string(mode),
              coordinate_transformation_mode: string(transformation),
              ...(named ? { axes: ints(axes) } : {}),
              ...more,
            },
          ),
      };
    }),
  runs: 20,
});

export const cases: readonly OperatorCase[] = [
  resizes(
    "nearest",
    fc
      .constantFrom("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
      .map((mode) => ({ nearest_mode: string(mode) })),
  ),
  resizes(
    "linear",
    fc.record({ smooth: fc.nat(1), outside: fc.nat(1) }).map(({ smooth, outside }) => ({
      antialias: int(smooth),
      exclude_outside: int(smooth * outside),
    })),
  ),
  resizes("linear", fc.constant({}), { axes: [2] }),
  resizes(
    "cubic",
    fc.record({ outside: fc.nat(1), a: fc.constantFrom(-0.75, -0.5) }).map(({ outside, a }) => ({
      exclude_outside: int(outside),
      cubic_coeff_a: float(a),
    })),
  ),
];
