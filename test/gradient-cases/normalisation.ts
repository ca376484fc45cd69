import fc from "fast-check";
import { callComposite } from "../../src/autodiff/composites.ts";
import { float } from "../../src/onnx/index.ts";
import { length, normal, positive } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

export const cases: readonly OperatorCase[] = [
  {
    row: "ichor:BatchNormalizationTraining",
    uses: fc.tuple(length, length, length).map(([channels, height, width]) => ({
      inputs: { x: normal([3, channels, height, width]), scale: positive([channels]), bias: normal([channels]) },
      write: (g, { x, scale, bias }) => {
        const inputs = [x!, scale!, bias!];
        return callComposite(g, "BatchNormalizationTraining", { inputs, attributes: { epsilon: float(1e-2) } })[0]!;
      },
    })),
  },
];
