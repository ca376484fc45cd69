import { labelCount } from "../labels/index.ts";
import { buildGraph, type Network } from "../onnx/index.ts";
import { convBlock, type NamedWindow, windowLayer, writeNetwork } from "./layers.ts";
import type { Batch, NetworkSettings } from "./network-settings.ts";

/** The windows that the network sees, as its first layer. */
export const cnnWindows: readonly NamedWindow[] = [
  { name: "brain", center: 40, width: 80 },
  { name: "subdural", center: 80, width: 200 },
  { name: "bone", center: 600, width: 2800 },
];

/** A prior of about one in eight: the head starts near the prevalence instead of at one half. */
const headBias = -2;

/**
 * A small plain CNN: windows, then four stages of two 3×3 convolutions with batch normalisation and ReLU, the first of
 * each with stride 2 and width·1, 2, 4, 8 channels, then a 1×1 convolution to one evidence map a label. The mean of a
 * map *is* the logit, so the class activation map (Zhou et al. 2016) is exact by construction.
 */
export function cnn({ size, neighbours, width = 16 }: NetworkSettings, batch: Batch): Network {
  const g = buildGraph("cnn");
  const network = writeNetwork(g);
  const hu = g.input("hu", { element: "float32", shape: [batch, neighbours, size, size] });
  let x = windowLayer(g, hu, cnnWindows);
  for (const [stage, factor] of [1, 2, 4, 8].entries()) {
    x = convBlock(network, x, { name: `stage${stage + 1}.first`, channels: width * factor, stride: 2 });
    x = convBlock(network, x, { name: `stage${stage + 1}.second`, channels: width * factor, stride: 1 });
  }
  const from = width * 8;
  const initial = { kind: "normal", deviation: Math.sqrt(1 / from) } as const;
  const w = network.parameter("head.weight", [labelCount, from, 1, 1], { initial, decay: "decay" });
  const b = network.parameter("head.bias", [labelCount], { initial: { kind: "constant", value: headBias } });
  const evidence = g.node("Conv", [x, w, b]);
  const logits = g.node("Flatten", [g.node("GlobalAveragePool", [evidence])]);
  g.output(logits, "slice_logits");
  g.output(evidence, "evidence");
  return network.finish();
}
