import { shaped } from "../base/index.ts";
import { labelCount } from "../labels/index.ts";
import { buildGraph, type GraphBuilder, type Network, type Value } from "../onnx/index.ts";
import { denseLayer, type NamedWindow, windowLayer, writeNetwork } from "./layers.ts";
import type { Batch, NetworkSettings } from "./network-settings.ts";

/** Hidden layers of the 2020 notebook: units, share dropped after the layer, L2 penalty of its weights. */
const hidden = [
  { units: 144, dropout: 0, l2: 0.1 },
  { units: 108, dropout: 0.3, l2: 0.01 },
  { units: 72, dropout: 0.2, l2: 0.01 },
  { units: 48, dropout: 0, l2: 0.001 },
] as const;

/** L1 penalty of the head's weights. */
const headL1 = 0.001;

/** The brain window of iteration 2. */
export const brainWindow: NamedWindow = { name: "brain", center: 40, width: 80 };

/**
 * The network of the 2020 notebook: dense 144–108–72–48–6 on standardised pixels, dropout .3 and .2, L2 and L1
 * penalties. Its sixth class was "none" where ours is `any`: the same unit with the sign of its logit turned.
 * @param window undefined: stored values as they are (iteration 1); a window: HU seen through it (iteration 2)
 */
export function mlp2020(settings: NetworkSettings, batch: Batch, window: NamedWindow | undefined): Network {
  const { size, standardisation } = settings;
  const g = buildGraph("mlp2020");
  const network = writeNetwork(g);
  const hu = g.input("hu", { element: "float32", shape: [batch, 1, size, size] });
  const seen = window === undefined ? hu : windowLayer(g, hu, [window]);
  let x = g.node("Flatten", [seen]);
  if (standardisation !== undefined) x = standardise(g, x, standardisation);
  const penalties: Value[] = [];
  for (const [index, { units, dropout, l2 }] of hidden.entries()) {
    const { y, weight } = denseLayer(network, x, { name: `dense${index + 1}`, to: units });
    x = g.node("Relu", [y]);
    if (dropout > 0) x = g.node("Dropout", [x, g.scalar(dropout)]);
    penalties.push(g.node("Mul", [total(g, g.node("Mul", [weight, weight])), g.scalar(l2)]));
  }
  const head = denseLayer(network, x, { name: "head", to: labelCount });
  penalties.push(g.node("Mul", [total(g, g.node("Abs", [head.weight])), g.scalar(headL1)]));
  g.output(head.y, "slice_logits");
  g.output(
    penalties.reduce((sum, penalty) => g.node("Add", [sum, penalty])),
    "penalty",
  );
  return network.finish();
}

/** (x − mean)/deviation a pixel, over the training fold; a pixel that never changes is left at 0. */
function standardise(
  g: GraphBuilder,
  x: Value,
  { mean, deviation }: NonNullable<NetworkSettings["standardisation"]>,
): Value {
  const inverse = Float32Array.from(deviation, (value) => (value > 0 ? 1 / value : 0));
  const centred = g.node("Sub", [x, g.constant(shaped(mean, [1, mean.length]), "pixel_mean")]);
  return g.node("Mul", [centred, g.constant(shaped(inverse, [1, inverse.length]), "pixel_scale")]);
}

const total = (g: GraphBuilder, x: Value) =>
  g.node("ReduceSum", [x, g.axes(x.type.shape.map((_, axis) => axis))], { keepdims: { kind: "int", value: 0 } });
