import fc from "fast-check";
import { type Attributes, int, ints, string } from "../../src/onnx/index.ts";
import { normal } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

/** One integer for each of so many spatial axes. */
const each = (axes: number, min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: axes, maxLength: axes });

/** Attributes and lengths of a convolution with so many spatial axes; the input is long enough for every kernel. */
const convolutions = (axes: number) =>
  fc.record({
    size: each(axes, 5, 6),
    kernel: each(axes, 1, 3),
    strides: each(axes, 1, 3),
    before: each(axes, 0, 2),
    after: each(axes, 0, 2),
    dilations: each(axes, 1, 2),
    group: fc.constantFrom(1, 2, 3),
    filters: fc.constantFrom(1, 3), // in a group
    auto: fc.constantFrom("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
  });

const axesCounts: readonly (readonly [string, number, number])[] = [
  ["one axis", 1, 12],
  ["two axes", 2, 16],
  ["three axes", 3, 6],
];

const conv = ([of, axes, runs]: readonly [string, number, number]): OperatorCase => ({
  row: "Conv",
  of,
  uses: convolutions(axes).map(({ size, kernel, strides, before, after, dilations, group, filters, auto }) => {
    const even = auto.startsWith("SAME"); // ONNX Runtime refuses dilations there
    const attributes: Attributes = {
      strides: ints(strides),
      dilations: ints(even ? dilations.map(() => 1) : dilations),
      group: int(group),
      ...(auto === "NOTSET" ? { pads: ints([...before, ...after]) } : { auto_pad: string(auto) }),
    };
    return {
      inputs: {
        x: normal([2, 2 * group, ...size]),
        w: normal([group * filters, 2, ...kernel]),
        b: normal([group * filters]),
      },
      write: (g, { x, w, b }) => g.node("Conv", [x, w, b], attributes),
    };
  }),
  runs,
});

const convTranspose = ([of, axes, runs]: readonly [string, number, number]): OperatorCase => ({
  row: "ConvTranspose",
  of,
  uses: fc
    .record({ base: convolutions(axes), shape: fc.constantFrom("none", "none", "padding", "output_shape") })
    .map(({ base: { size, kernel, strides, before, after, dilations, group, filters, auto }, shape }) => {
      const attributes: Attributes = {
        strides: ints(strides),
        dilations: ints(dilations),
        group: int(group),
        ...(auto === "NOTSET" ? { pads: ints([...before, ...after]) } : { auto_pad: string(auto) }),
        // ONNX Runtime is of two minds about the pads of auto_pad with output_padding
        ...(shape === "padding" && auto === "NOTSET"
          ? { output_padding: ints(strides.map((stride) => stride - 1)) }
          : {}),
        ...(shape === "output_shape"
          ? { output_shape: ints(size.map((length, axis) => length * strides[axis]!)) }
          : {}),
      };
      return {
        inputs: {
          x: normal([2, 2 * group, ...size]),
          w: normal([2 * group, filters, ...kernel]),
          b: normal([group * filters]),
        },
        write: (g, { x, w, b }) => g.node("ConvTranspose", [x, w, b], attributes),
      };
    }),
  runs,
});

export const cases: readonly OperatorCase[] = [...axesCounts.map(conv), ...axesCounts.map(convTranspose)];
