import fc from "fast-check";
import { int } from "../../src/onnx/index.ts";
import { length, normal, shapeOf } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

export const cases: readonly OperatorCase[] = [
  {
    row: "Gemm",
    uses: fc
      .record({
        m: length,
        k: length,
        n: length,
        transA: fc.nat(1),
        transB: fc.nat(1),
        bias: fc.constantFrom("row", "none"),
      })
      .map(({ m, k, n, transA, transB, bias }) => ({
        inputs: {
          a: normal(transA === 1 ? [k, m] : [m, k]),
          b: normal(transB === 1 ? [n, k] : [k, n]),
          ...(bias === "none" ? {} : { c: normal([n]) }),
        },
        write: (g, { a, b, c }) => g.node("Gemm", [a, b, c], { transA: int(transA), transB: int(transB) }),
      })),
  },
  {
    row: "MatMul",
    uses: fc.tuple(shapeOf(0, 2), length, length, length).map(([batch, m, k, n]) => ({
      inputs: { a: normal([...batch, m, k]), b: normal([k, n]) },
      write: (g, { a, b }) => g.node("MatMul", [a, b]),
    })),
  },
];
