import { buildGraph, encodeModel, int, ints } from "../src/onnx/index.ts";
import { randomArray } from "./graphs.ts";

/** A small image network as an ONNX file: two channels in, a convolution, a ReLU, a mean, a dense layer with 3 outputs. */
export function tinyBackbone(size: number): Uint8Array {
  const g = buildGraph("tiny");
  const image = g.input("image", { element: "float32", shape: ["batch", 2, size, size] });
  const w = g.constant(randomArray([4, 2, 3, 3], 1), "stem.weight");
  const x = g.node("Conv", [image, w], { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) });
  const features = g.node("Flatten", [g.node("GlobalAveragePool", [g.node("Relu", [x])])]);
  const [weight, bias] = [g.constant(randomArray([3, 4], 2), "fc.weight"), g.constant(randomArray([3], 3), "fc.bias")];
  g.output(g.node("Gemm", [features, weight, bias], { transB: int(1) }), "scores");
  return encodeModel({ graph: g.finish(), functions: [], metadata: {} });
}
