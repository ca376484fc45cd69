// The machine's ceiling: what ONNX Runtime's matrix product reaches.
import { must } from "../src/base/index.ts";
import { buildGraph, encodeModel } from "../src/onnx/index.ts";
import { openExecutor } from "../src/runtime/index.ts";
import { median } from "./peers.ts";

/** GFLOP/s of a float32 product of two square matrices, the best of three sizes, medians of 9. */
export async function gemmCeiling(threads: number): Promise<number> {
  const reached: number[] = [];
  for (const size of [512, 1024, 2048]) {
    const g = buildGraph("gemm");
    const square = { element: "float32", shape: [size, size] } as const;
    const product = g.node("MatMul", [g.input("a", square), g.input("b", square)]);
    // One number out: the product itself would be copied.
    g.output(g.node("ReduceMax", [product, g.axes([0, 1])]), "top");
    const executor = must(
      await openExecutor(encodeModel({ graph: g.finish(), functions: [], metadata: {} }), { threads }),
    );
    const matrix = { data: new Float32Array(size * size).fill(0.5), shape: [size, size] };
    const times: number[] = [];
    for (let turn = 0; turn < 9; turn++) {
      const start = performance.now();
      await executor.run({ a: matrix, b: matrix });
      times.push(performance.now() - start);
    }
    await executor.close();
    reached.push((2 * size ** 3) / median(times) / 1e6);
  }
  return Math.max(...reached);
}
