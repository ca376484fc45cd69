import { shaped } from "../base/index.ts";
import {
  float,
  type GraphBuilder,
  type Initial,
  int,
  ints,
  type Network,
  type Parameter,
  type Value,
} from "../onnx/index.ts";

/** A display window in HU, mapped to [0, 1]. */
export interface NamedWindow {
  readonly name: string;
  readonly center: number;
  readonly width: number;
}

/** Writes a network: the graph and, beside it, what training may move. */
export interface NetworkWriter {
  readonly g: GraphBuilder;
  /** A parameter as an input of the graph. */
  parameter(
    name: string,
    shape: readonly number[],
    options: { readonly initial: Initial; readonly decay?: "decay" | "none" },
  ): Value;
  /** A running statistic as an input of the graph. */
  buffer(name: string, length: number, value: number): Value;
  /** The network as written. */
  finish(): Network;
}

/** Opens a writer on a graph. */
export function writeNetwork(g: GraphBuilder): NetworkWriter {
  const parameters: Parameter[] = [];
  const buffers: Parameter[] = [];
  return {
    g,
    parameter(name, shape, { initial, decay = "none" }) {
      parameters.push({ name, shape, initial, decay });
      return g.input(name, { element: "float32", shape });
    },
    buffer(name, length, value) {
      buffers.push({ name, shape: [length], initial: { kind: "constant", value }, decay: "none" });
      return g.input(name, { element: "float32", shape: [length] });
    },
    finish: () => ({ graph: g.finish(), parameters, buffers }),
  };
}

/**
 * Windows as a layer: HU [N, K, H, W] → [N, K·windows, H, W] in [0, 1]; channel k·windows + i is neighbour k in window i.
 * y = clip((hu − center)/width + ½, 0, 1), as a fixed 1×1 convolution and a clip (DICOM PS3.3 C.11.2.1.3.2, linear exact).
 */
export function windowLayer(g: GraphBuilder, hu: Value, windows: readonly NamedWindow[]): Value {
  const neighbours = Number(hu.type.shape[1]);
  const channels = neighbours * windows.length;
  const weights = new Float32Array(channels * neighbours);
  const offsets = new Float32Array(channels);
  for (let neighbour = 0; neighbour < neighbours; neighbour++) {
    windows.forEach(({ center, width }, index) => {
      const channel = neighbour * windows.length + index;
      weights[channel * neighbours + neighbour] = 1 / width;
      offsets[channel] = 0.5 - center / width;
    });
  }
  const w = g.constant(shaped(weights, [channels, neighbours, 1, 1]), "window_slopes");
  const b = g.constant(shaped(offsets, [channels]), "window_offsets");
  return g.node("Clip", [g.node("Conv", [hu, w, b]), g.scalar(0), g.scalar(1)]);
}

/** A 3×3 convolution without bias, batch normalisation and ReLU: x [N, C, H, W] → [N, channels, H/stride, W/stride]. */
export function convBlock(
  network: NetworkWriter,
  x: Value,
  { name, channels, stride }: { readonly name: string; readonly channels: number; readonly stride: number },
): Value {
  const { g } = network;
  const from = Number(x.type.shape[1]);
  // He et al. 2015, eq. 10, fan-in
  const initial: Initial = { kind: "normal", deviation: Math.sqrt(2 / (9 * from)) };
  const w = network.parameter(`${name}.weight`, [channels, from, 3, 3], { initial, decay: "decay" });
  const y = g.node("Conv", [x, w], {
    kernel_shape: ints([3, 3]),
    strides: ints([stride, stride]),
    pads: ints([1, 1, 1, 1]),
  });
  const scale = network.parameter(`${name}.scale`, [channels], { initial: { kind: "constant", value: 1 } });
  const bias = network.parameter(`${name}.bias`, [channels], { initial: { kind: "constant", value: 0 } });
  const mean = network.buffer(`${name}.mean`, channels, 0);
  const variance = network.buffer(`${name}.variance`, channels, 1);
  return g.node("Relu", [g.node("BatchNormalization", [y, scale, bias, mean, variance], { epsilon: float(1e-5) })]);
}

/** A dense layer y = x·Wᵀ + b: x [N, from] → [N, to]; `weight` is the value of W for penalties. */
export function denseLayer(
  network: NetworkWriter,
  x: Value,
  { name, to }: { readonly name: string; readonly to: number },
): { readonly y: Value; readonly weight: Value } {
  const from = Number(x.type.shape[1]);
  const bound = Math.sqrt(6 / (from + to)); // Glorot & Bengio 2010, eq. 16: Keras' default, which the 2020 notebook used
  const weight = network.parameter(`${name}.weight`, [to, from], {
    initial: { kind: "uniform", bound },
    decay: "decay",
  });
  const bias = network.parameter(`${name}.bias`, [to], { initial: { kind: "constant", value: 0 } });
  return { y: network.g.node("Gemm", [x, weight, bias], { transB: int(1) }), weight };
}
