import { normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

export const cases: readonly OperatorCase[] = [
  {
    row: "GlobalAveragePool",
    uses: shapeOf(4, 4).map((shape) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node("GlobalAveragePool", [x]),
    })),
  },
];
