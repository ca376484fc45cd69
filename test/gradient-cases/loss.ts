import { callComposite } from "../../src/autodiff/composites.ts";
import { shaped } from "../../src/base/index.ts";
import { length, normal } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

export const cases: readonly OperatorCase[] = [
  {
    row: "ichor:WeightedCrossEntropy",
    uses: length.map((rows) => ({
      inputs: { z: normal([rows, 6]) },
      write: (g, { z }) => {
        const y = g.constant(
          shaped(
            Float32Array.from({ length: rows * 6 }, (_, i) => i % 2),
            [rows, 6],
          ),
        );
        const share = g.constant(shaped(Float32Array.of(1, 1, 1, 1, 1, 2), [1, 6]));
        return callComposite(g, "WeightedCrossEntropy", { inputs: [z!, y, share] })[0]!;
      },
    })),
  },
];
