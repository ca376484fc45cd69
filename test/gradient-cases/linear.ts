import fc from "fast-check";
import { float, int, string } from "../../src/onnx/index.ts";
import { length, normal, stretched } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const gemm: OperatorCase = {
  row: "Gemm",
  uses: fc
    .record({
      m: length,
      k: length,
      n: length,
      transA: fc.nat(1),
      transB: fc.nat(1),
      bias: fc.constantFrom("row", "column", "whole", "scalar", "none"),
      scaled: fc.boolean(),
    })
    .map(({ m, k, n, transA, transB, bias, scaled }) => {
      const biases = { row: [n], column: [m, 1], whole: [m, n], scalar: [] };
      return {
        inputs: {
          a: normal(transA === 1 ? [k, m] : [m, k]),
          b: normal(transB === 1 ? [n, k] : [k, n]),
          ...(bias === "none" ? {} : { c: normal(biases[bias]) }),
        },
        write: (g, { a, b, c }) =>
          g.node("Gemm", c === undefined ? [a, b] : [a, b, c], {
            transA: int(transA),
            transB: int(transB),
            ...(scaled ? { alpha: float(0.5), beta: float(-2) } : {}),
          }),
      };
    }),
  runs: 20,
};

/** Matrices in batches that broadcast, and vectors on either side. */
const matMul: OperatorCase = {
  row: "MatMul",
  uses: fc
    .tuple(stretched, length, length, length, fc.constantFrom("matrices", "left", "right", "both"))
    .map(([[left, right], m, k, n, vectors]) => ({
      inputs: {
        a: normal(vectors === "left" || vectors === "both" ? [k] : [...left, m, k]),
        b: normal(vectors === "right" || vectors === "both" ? [k] : [...right, k, n]),
      },
      write: (g, { a, b }) => g.node("MatMul", [a, b]),
    })),
  runs: 20,
};

/** Equations with the lengths that their letters have here; a dot stands for the axes of an ellipsis. */
const equations: readonly (readonly [string, ...(readonly number[])[]])[] = [
  ["ij,jk->ik", [2, 3], [3, 4]],
  ["bhqd,bhkd->bhqk", [2, 2, 3, 2], [2, 2, 4, 2]],
  ["i,j->ij", [3], [2]],
  ["ij->ji", [2, 3]],
  ["ij->i", [2, 3]],
  ["ij->", [2, 3]],
  ["ij,kj->i", [2, 3], [4, 3]],
  ["i,i,i->i", [3], [3], [3]],
  ["...ij,...jk->...ik", [2, 3, 2], [1, 2, 3]],
  ["...ij,jk->...ik", [2, 2, 3, 2], [2, 3]],
  ["b...,b...->b...", [2, 3, 2], [2, 3, 2]],
  ["...i,...i->...", [1, 3], [2, 3]],
  ["ij, jk", [2, 3], [3, 2]],
];

const einsum: OperatorCase = {
  row: "Einsum",
  uses: fc.constantFrom(...equations).map(([equation, ...shapes]) => ({
    inputs: Object.fromEntries(shapes.map((shape, index) => [`x${index}`, normal(shape)])),
    write: (g, values) => g.node("Einsum", Object.values(values), { equation: string(equation) }),
  })),
  runs: 40,
};

export const cases: readonly OperatorCase[] = [einsum, gemm, matMul];
