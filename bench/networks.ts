// The five networks of the training and inference benchmarks. bench/torch_networks.py says the same in PyTorch.

import { type NetworkWriter, writeNetwork } from "../src/models/layers.ts";
import { buildGraph, float, int, ints, type Network, staticShape, type Value } from "../src/onnx/index.ts";

/** A network of the benchmark. */
export interface BenchNetwork {
  readonly name: string;
  readonly kind: "resnet" | "separable";
  /** Channels of the first stage. */
  readonly base: number;
  /** Rows and columns of the image. */
  readonly size: number;
}

export const classes = 10;
export const batch = 16;

export const networks: readonly BenchNetwork[] = [
  { name: "ResNet 2.8 M, 128²", kind: "resnet", base: 32, size: 128 },
  { name: "ResNet 2.8 M, 256²", kind: "resnet", base: 32, size: 256 },
  { name: "ResNet-18 11.2 M, 128²", kind: "resnet", base: 64, size: 128 },
  { name: "depthwise 0.8 M, 128²", kind: "separable", base: 16, size: 128 },
  { name: "depthwise 0.8 M, 256²", kind: "separable", base: 16, size: 256 },
];

interface ConvNorm {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly depthwise?: boolean;
}

/** Convolution without bias and batch normalisation: x [N, C, H, W] → [N, channels, H/stride, W/stride]. */
function convNorm(net: NetworkWriter, x: Value, { channels, kernel, stride, depthwise = false }: ConvNorm): Value {
  const from = Number(x.type.shape[1]);
  const name = `layer${net.g.finish().nodes.length}`;
  const group = depthwise ? from : 1;
  const pad = (kernel - 1) / 2;
  const deviation = Math.sqrt(2 / ((channels / group) * kernel * kernel)); // He et al. 2015, fan-out
  const w = net.parameter(`${name}.weight`, [channels, from / group, kernel, kernel], {
    initial: { kind: "normal", deviation },
    decay: "decay",
  });
  const y = net.g.node("Conv", [x, w], {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([stride, stride]),
    pads: ints([pad, pad, pad, pad]),
    group: int(group),
  });
  const scale = net.parameter(`${name}.scale`, [channels], { initial: { kind: "constant", value: 1 } });
  const bias = net.parameter(`${name}.bias`, [channels], { initial: { kind: "constant", value: 0 } });
  const mean = net.buffer(`${name}.mean`, channels, 0);
  const variance = net.buffer(`${name}.variance`, channels, 1);
  return net.g.node("BatchNormalization", [y, scale, bias, mean, variance], { epsilon: float(1e-5) });
}

const relu = (net: NetworkWriter, x: Value) => net.g.node("Relu", [x]);

/** ResNet-18's layout (He et al. 2016) with `base` channels in the first stage. */
function resnet(net: NetworkWriter, image: Value, base: number): Value {
  const { g } = net;
  const stem = relu(net, convNorm(net, image, { channels: base, kernel: 7, stride: 2 }));
  let x = g.node("MaxPool", [stem], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) });
  for (const [stage, factor] of [1, 2, 4, 8].entries()) {
    for (const block of [0, 1]) {
      const channels = base * factor;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = relu(net, convNorm(net, x, { channels, kernel: 3, stride }));
      const shortcut = stride === 2 ? convNorm(net, x, { channels, kernel: 1, stride }) : x;
      const outer = convNorm(net, inner, { channels, kernel: 3, stride: 1 });
      x = relu(net, g.node("Add", [outer, shortcut]));
    }
  }
  return x;
}

/** MobileNet's layout (Howard et al. 2017) at half width: depthwise 3×3, then pointwise 1×1, each normalised. */
function separable(net: NetworkWriter, image: Value, base: number): Value {
  let x = relu(net, convNorm(net, image, { channels: base, kernel: 3, stride: 2 }));
  const plan = [
    [2, 1],
    [4, 2],
    [4, 1],
    [8, 2],
    [8, 1],
    [16, 2],
    ...Array.from({ length: 5 }, () => [16, 1]),
    [32, 2],
    [32, 1],
  ];
  for (const [factor = 1, stride = 1] of plan) {
    x = relu(net, convNorm(net, x, { channels: Number(x.type.shape[1]), kernel: 3, stride, depthwise: true }));
    x = relu(net, convNorm(net, x, { channels: base * factor, kernel: 1, stride: 1 }));
  }
  return x;
}

/** A network's forward graph: `image` [batch, 3, size, size] → `slice_logits` [batch, classes]. */
export function buildNetwork({ name, kind, base, size }: BenchNetwork): Network {
  const g = buildGraph(name);
  const net = writeNetwork(g);
  const image = g.input("image", { element: "float32", shape: [batch, 3, size, size] });
  const x = kind === "resnet" ? resnet(net, image, base) : separable(net, image, base);
  const features = g.node("Flatten", [g.node("GlobalAveragePool", [x])]);
  const from = Number(features.type.shape[1]);
  const initial = { kind: "uniform", bound: 1 / Math.sqrt(from) } as const;
  const w = net.parameter("head.weight", [classes, from], { initial, decay: "decay" });
  const b = net.parameter("head.bias", [classes], { initial: { kind: "constant", value: 0 } });
  g.output(g.node("Gemm", [features, w, b], { transB: int(1) }), "slice_logits");
  return net.finish();
}

/** Floating-point operations of a training step: the convolutions' three passes, two each multiplication and sum. */
export function flopsOfStep({ graph }: Network): number {
  return graph.nodes
    .filter(({ op }) => op === "Conv")
    .reduce((sum, { inputs: [, w = ""], outputs: [y = ""] }) => {
      const [weights, made] = [graph.types.get(w), graph.types.get(y)];
      if (weights === undefined || made === undefined) throw new Error(`${w} or ${y} has no type`);
      const [, ...taps] = staticShape(weights);
      return sum + 3 * 2 * staticShape(made).reduce((a, b) => a * b, 1) * taps.reduce((a, b) => a * b, 1);
    }, 0);
}
