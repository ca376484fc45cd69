import {
  floatOf,
  type GraphBuilder,
  intOf,
  intsOf,
  type Node,
  slidingOf,
  staticShape,
  type Value,
} from "../../onnx/index.ts";
import { type ConvShape, convFits, convInputGrad, convWeightGrad, forwardOf } from "./convolution.ts";
import type { Held, Layout } from "./layout.ts";
import {
  type BlockedConv,
  blockedConv,
  channelAffine,
  channelDot,
  channelMean,
  cutAxis,
  dims,
  gate,
  padAxis,
  planeMean,
  view,
} from "./operators.ts";

/** What a rule may ask of the lowering under way. */
export interface Lowering {
  readonly g: GraphBuilder;
  readonly block: number;
  /** How a value is held now. */
  held(name: string): Held;
  /** The value in plain layout. */
  plain(name: string): Value;
  /** The value [N, C, H, W] in blocked layout. */
  blocked(name: string): Value;
  /** The value [C] padded to whole blocks. */
  channels(name: string): Value;
  /** The filter of a convolution that runs blocked, or undefined. */
  filter(name: string): { readonly value: Value; readonly shape: ConvShape } | undefined;
  /** Numbers of a constant. */
  constant(name: string): readonly number[] | undefined;
  /** Says what has become of an output. */
  bind(name: string, value: Value, layout: Layout): void;
  /** The only node that reads a value, if there is but one. */
  onlyReader(name: string): Node | undefined;
  /** Takes a node into the one that is being lowered: it is not lowered again. */
  absorb(node: Node): void;
}

/** Lowers a node, or declines it: then it runs plain, which costs speed only. */
type Rule = (c: Lowering, node: Node) => "lowered" | "declined";

const input = (node: Node, index: number): string => node.inputs[index] ?? "";
const output = (node: Node, index: number): string => node.outputs[index] ?? "";

/** One row an operator of the training graph that has a blocked form. */
export const lowerings: Readonly<Record<string, Rule>> = {
  Conv(c, node) {
    const filter = c.filter(input(node, 1));
    if (filter === undefined) return windowConv(c, node);
    const bias = input(node, 2) === "" ? {} : { bias: c.channels(input(node, 2)) };
    const y = blockedConv(c.g, c.blocked(input(node, 0)), filter.value, { ...forwardOf(filter.shape), ...bias });
    c.bind(output(node, 0), y, "blocked");
    return "lowered";
  },
  "ichor:ConvInputGrad"(c, node) {
    const filter = c.filter(input(node, 1));
    if (filter === undefined) return "declined";
    c.bind(output(node, 0), convInputGrad(c.g, c.blocked(input(node, 0)), filter.value, filter.shape), "blocked");
    return "lowered";
  },
  "ichor:ConvWeightGrad"(c, node) {
    const shape = weightGradShape(c, node);
    if (shape === undefined) return "declined";
    const [x, dy] = [c.blocked(input(node, 0)), c.blocked(input(node, 1))];
    const channels = staticShape(c.held(input(node, 0)).type)[1] ?? 0;
    c.bind(output(node, 0), convWeightGrad(c.g, { x, dy, channels }, shape), "filter");
    return "lowered";
  },
  // mean = Σx/M, var = Σx²/M − mean², y = x·(scale·inverse) + (bias − mean·scale·inverse)
  "ichor:BatchNormalizationTraining"(c, node) {
    const { g } = c;
    const x = c.blocked(input(node, 0));
    const [scale, bias] = [c.channels(input(node, 1)), c.channels(input(node, 2))];
    const mean = channelMean(g, x);
    const square = g.node("Mul", [channelDot(g, x, x), g.scalar(1 / places(x))]);
    // Rounding may leave a variance just below zero where a channel is constant.
    const variance = g.node("Relu", [g.node("Sub", [square, g.node("Mul", [mean, mean])])]);
    const epsilon = g.scalar(floatOf(node.attributes, "epsilon", 1e-5));
    const inverse = g.node("Reciprocal", [g.node("Sqrt", [g.node("Add", [variance, epsilon])])]);
    const gain = g.node("Mul", [scale, inverse]);
    const shift = g.node("Sub", [bias, g.node("Mul", [mean, gain])]);
    const reader = c.onlyReader(output(node, 0));
    const rectified = reader?.op === "Relu" && reader.domain === "" ? reader : undefined;
    const activation = rectified === undefined ? {} : { activation: { kind: "Relu" } as const };
    const y = channelAffine(g, x, { scale: gain, shift, ...activation });
    if (rectified !== undefined) c.absorb(rectified);
    c.bind(rectified === undefined ? output(node, 0) : output(rectified, 0), y, "blocked");
    for (const [index, value] of [mean, variance, inverse].entries())
      c.bind(output(node, index + 1), value, "channels");
    return "lowered";
  },
  // With t = mean(dy·x) − mean·mean(dy): dscale = M·t·inverse, dbias = Σdy,
  // dx = a·dy + b·x + d, a = scale·inverse, b = −a·inverse²·t, d = −b·mean − a·mean(dy)
  "ichor:BatchNormalizationGrad"(c, node) {
    const { g } = c;
    const [dy, x] = [c.blocked(input(node, 0)), c.blocked(input(node, 1))];
    const [scale, mean, inverse] = [2, 3, 4].map((index) => c.channels(input(node, index)));
    const count = places(x);
    const meanDy = channelMean(g, dy);
    const meanDot = g.node("Mul", [channelDot(g, dy, x), g.scalar(1 / count)]);
    const t = g.node("Mul", [g.node("Sub", [meanDot, g.node("Mul", [mean, meanDy])]), inverse]);
    const a = g.node("Mul", [scale, inverse]);
    const minusB = g.node("Mul", [g.node("Mul", [a, inverse]), t]);
    const d = g.node("Sub", [g.node("Mul", [minusB, mean]), g.node("Mul", [a, meanDy])]);
    const rest = channelAffine(g, x, { scale: g.node("Neg", [minusB]), shift: d });
    c.bind(output(node, 0), channelAffine(g, dy, { scale: a, sum: rest }), "blocked"); // rest dies here: summed in place
    c.bind(output(node, 1), g.node("Mul", [t, g.scalar(count)]), "channels");
    c.bind(output(node, 2), g.node("Mul", [meanDy, g.scalar(count)]), "channels");
    return "lowered";
  },
  Relu: (c, node) => elementwise(c, node, ([x]) => c.g.node("Relu", [x])),
  "ichor:ReluGrad": (c, node) => elementwise(c, node, ([dy, y]) => c.g.node("Mul", [dy, gate(c.g, y!)])),
  Add: (c, node) => elementwise(c, node, ([a, b]) => c.g.node("Add", [a, b])),
  Mul: scaled,
  GlobalAveragePool(c, node) {
    if (c.held(input(node, 0)).layout !== "blocked") return "declined";
    c.bind(output(node, 0), planeMean(c.g, c.blocked(input(node, 0))), "blocked");
    return "lowered";
  },
  Flatten(c, node) {
    const { layout, type } = c.held(input(node, 0));
    const [n = 0, channels = 0, height, width] = staticShape(type);
    if (layout !== "blocked" || height !== 1 || width !== 1) return "declined";
    const x = c.blocked(input(node, 0)); // planes of one place: blocked memory is plain memory
    const flat = view(c.g, x, [n, dims(x)[1]!]);
    c.bind(
      output(node, 0),
      dims(x)[1] === channels ? flat : cutAxis(c.g, flat, { axis: 1, length: channels }),
      "plain",
    );
    return "lowered";
  },
  "ichor:GlobalAveragePoolGrad"(c, node) {
    if (c.held(input(node, 1)).layout !== "blocked") return "declined";
    const { g, block } = c;
    const [n = 1, channels = 1, height = 1, width = 1] = dims(c.blocked(input(node, 1)));
    const dy = c.plain(input(node, 0));
    const padded = dims(dy)[1] === channels ? dy : padAxis(g, dy, { axis: 1, length: channels });
    const share = g.node("Mul", [view(g, padded, [n, channels / block, 1, block]), g.scalar(1 / (height * width))]);
    const spread = g.node("Expand", [share, g.axes([n, channels / block, height * width, block])]);
    c.bind(output(node, 0), view(g, spread, [n, channels, height, width]), "blocked");
    return "lowered";
  },
  // Σ over batch and plane, the gradient of a convolution's bias
  ReduceSum(c, node) {
    const axes = c.constant(input(node, 1))?.join();
    if (
      c.held(input(node, 0)).layout !== "blocked" ||
      axes !== "0,2,3" ||
      intOf(node.attributes, "keepdims", 1) !== 0
    ) {
      return "declined";
    }
    const x = c.blocked(input(node, 0));
    c.bind(output(node, 0), c.g.node("Mul", [channelMean(c.g, x), c.g.scalar(places(x))]), "channels");
    return "lowered";
  },
  // A gradient on its way into the flat vector keeps its layout.
  Reshape(c, node) {
    const { layout, value } = c.held(input(node, 0));
    const flat = c.constant(input(node, 1));
    if ((layout !== "channels" && layout !== "filter") || flat?.length !== 1) return "declined";
    c.bind(output(node, 0), view(c.g, value, [dims(value).reduce((product, length) => product * length, 1)]), layout);
    return "lowered";
  },
};

/** Places a channel has in batch and plane. */
function places(x: Value): number {
  const [n = 1, , height = 1, width = 1] = dims(x);
  return n * height * width;
}

/** The same number for each element: on blocked values as they lie, if all have one shape. */
function elementwise(
  c: Lowering,
  node: Node,
  write: (values: readonly [Value, ...Value[]]) => Value,
): "lowered" | "declined" {
  const shapes = new Set(node.inputs.map((name) => c.held(name).type.shape.join()));
  if (shapes.size !== 1 || !node.inputs.some((name) => c.held(name).layout === "blocked")) return "declined";
  const [first, ...rest] = node.inputs.map((name) => c.blocked(name));
  if (first === undefined) return "declined";
  c.bind(output(node, 0), write([first, ...rest]), "blocked");
  return "lowered";
}

/** A vector of channels times a number stays what it is; two blocked values multiply as they lie. */
function scaled(c: Lowering, node: Node): "lowered" | "declined" {
  const [a, b] = [c.held(input(node, 0)), c.held(input(node, 1))];
  if (a.layout === "channels" && b.type.shape.length === 0) {
    c.bind(output(node, 0), c.g.node("Mul", [a.value, b.value]), "channels");
    return "lowered";
  }
  return elementwise(c, node, ([x, y]) => c.g.node("Mul", [x, y]));
}

/**
 * A convolution of a plain image of fewer channels than a block by a constant filter, such as the windows at the front;
 * a Clip that alone reads it becomes its activation.
 */
function windowConv(c: Lowering, node: Node): "lowered" | "declined" {
  const weights = c.constant(input(node, 1));
  const offsets = input(node, 2) === "" ? [] : c.constant(input(node, 2));
  const image = c.held(input(node, 0));
  const [outputs = 0, inputs = 0, ...kernel] = staticShape(c.held(input(node, 1)).type);
  if (weights === undefined || offsets === undefined || image.layout !== "plain" || inputs >= c.block)
    return "declined";
  if (kernel.length !== 2 || intOf(node.attributes, "group", 1) !== 1) return "declined";
  const { strides, pads, dilations } = slidingOf(node, kernel);
  const clip = clipOf(c, node);
  const how: BlockedConv = {
    kernel: pair(kernel),
    strides: pair(strides),
    dilations: pair(dilations),
    pads: [pads[0]!, pads[1]!, pads[2]!, pads[3]!],
    bias: paddedConstant(c, offsets, outputs),
    ...(clip === undefined ? {} : { activation: clip.activation }),
  };
  const y = blockedConv(c.g, image.value, imageFilter(c, weights, [outputs, inputs, ...kernel]), how);
  if (clip !== undefined) c.absorb(clip.node);
  c.bind(output(clip?.node ?? node, 0), y, "blocked");
  return "lowered";
}

const pair = ([a = 1, b = 1]: readonly number[]) => [a, b] as const;

function clipOf(c: Lowering, node: Node) {
  const reader = c.onlyReader(output(node, 0));
  if (reader?.op !== "Clip") return undefined;
  const [low, high] = [c.constant(input(reader, 1))?.[0], c.constant(input(reader, 2))?.[0]];
  // Clipping must leave the padding at zero.
  if (low === undefined || high === undefined || low > 0 || high < 0) return undefined;
  return { node: reader, activation: { kind: "Clip", low, high } as const };
}

function paddedConstant({ g, block }: Lowering, values: readonly number[], length: number): Value {
  const padded = new Float32Array(Math.ceil(length / block) * block);
  padded.set(values.slice(0, length));
  return g.constant({ data: padded, shape: [padded.length] });
}

/** [O, I, kh, kw] → [O/B, I, kh, kw, B], the filter of a plain image with I < B channels. */
function imageFilter({ g, block }: Lowering, weights: readonly number[], shape: readonly number[]): Value {
  const [outputs = 1, ...rest] = shape;
  const each = rest.reduce((product, length) => product * length, 1);
  const padded = Math.ceil(outputs / block) * block;
  const data = new Float32Array(padded * each);
  for (let o = 0; o < outputs; o++) {
    for (let at = 0; at < each; at++) {
      data[(Math.floor(o / block) * each + at) * block + (o % block)] = weights[o * each + at]!;
    }
  }
  return g.constant({ data, shape: [padded, ...rest] });
}

function weightGradShape(c: Lowering, node: Node): ConvShape | undefined {
  const [x, dy] = [c.held(input(node, 0)).type, c.held(input(node, 1)).type];
  const kernel = intsOf(node.attributes, "kernel_shape", []);
  return convFits(
    {
      x: staticShape(x),
      w: [staticShape(dy)[1]!, staticShape(x)[1]!, ...kernel],
      ...slidingOf(node, kernel),
      group: 1,
    },
    c.block,
  );
}
