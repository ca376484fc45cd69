import fc from "fast-check";
import { unaryOperators } from "../../src/onnx/index.ts";
import { between, kinkless, normal, shapeOf, stretched } from "../draws.ts";
import type { Draw, OperatorCase } from "../gradient-check.ts";

const binary = (row: string, right: (shape: readonly number[]) => Draw = normal): OperatorCase => ({
  row,
  uses: stretched.map(([a, b]) => ({
    inputs: { a: normal(a), b: right(b) },
    write: (g, { a, b }) => g.node(row, [a, b]),
  })),
});

/** The widest of these ranges on which an operator is defined is the one that it is tried on. */
const ranges = [
  [-3, 3],
  [-0.9, 0.9],
  [1.2, 3],
] as const;

/** A case of an operator of one input as it stands: nothing but its row in `evaluations` is needed. */
export function unaryCase(row: string): OperatorCase {
  const f = unaryOperators[row]!;
  const range = ranges.find(([low, high]) =>
    [low, (low + high) / 2 + 0.01, high].every((x) => Number.isFinite(f(x, {}))),
  );
  const [low, high] = range!;
  return {
    row,
    uses: shapeOf(0).map((shape) => ({
      inputs: { x: between(low, high)(shape) },
      write: (g, { x }) => g.node(row, [x]),
    })),
  };
}

export const cases: readonly OperatorCase[] = [
  binary("Add"),
  binary("Mul"),
  binary("Sub"),
  {
    row: "Abs",
    uses: shapeOf(0).map((shape) => ({ inputs: { x: kinkless(shape) }, write: (g, { x }) => g.node("Abs", [x]) })),
  },
  {
    row: "Relu",
    uses: fc.constant({ inputs: { x: kinkless([2, 3, 4]) }, write: (g, { x }) => g.node("Relu", [x]) }),
    runs: 1,
  },
];
