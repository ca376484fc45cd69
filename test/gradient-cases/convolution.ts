import fc from "fast-check";
import { ints } from "../../src/onnx/index.ts";
import { normal } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const two = (low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }));

export const cases: readonly OperatorCase[] = [
  {
    row: "Conv",
    uses: fc
      .record({ kernel: two(1, 3), strides: two(1, 3), before: two(0, 2), after: two(0, 2), dilations: two(1, 2) })
      .map(({ kernel, strides, before, after, dilations }) => ({
        inputs: { x: normal([2, 3, 6, 5]), w: normal([2, 3, ...kernel]), b: normal([2]) },
        write: (g, { x, w, b }) =>
          g.node("Conv", [x, w, b], {
            strides: ints(strides),
            pads: ints([...before, ...after]),
            dilations: ints(dilations),
          }),
      })),
  },
];
