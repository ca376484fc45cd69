import fc from "fast-check";
import { ints } from "../../src/onnx/index.ts";
import { normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

export const cases: readonly OperatorCase[] = [
  {
    row: "Flatten",
    uses: shapeOf(2).map((shape) => ({ inputs: { x: normal(shape) }, write: (g, { x }) => g.node("Flatten", [x]) })),
  },
  {
    row: "Reshape",
    uses: shapeOf(1).map((shape) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node("Reshape", [x, g.axes([...shape.slice(1), -1])]),
    })),
  },
  {
    row: "Transpose",
    uses: shapeOf(1).chain((shape) =>
      fc
        .shuffledSubarray(
          shape.map((_, axis) => axis),
          { minLength: shape.length },
        )
        .map((perm) => ({
          inputs: { x: normal(shape) },
          write: (g, { x }) => g.node("Transpose", [x], { perm: ints(perm) }),
        })),
    ),
  },
];
