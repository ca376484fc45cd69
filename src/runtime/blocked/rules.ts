import {
  type GraphBuilder,
  intOf,
  intsOf,
  type Node,
  slidingOf,
  staticShape,
  type Value,
  type ValueType,
} from "../../onnx/index.ts";
import {
  type ConvShape,
  convFits,
  convForward,
  convInputGrad,
  convInputGradQuarters,
  winogradFilterGrad,
} from "./convolution.ts";
import { elementwise, numberByNumber, reluGrad } from "./elementwise.ts";
import { batchNormalization, batchNormalizationGrad, placesOf } from "./normalisation.ts";
import {
  type BlockedConv,
  blockedConv,
  channelAffine,
  channelMean,
  cutAxis,
  dims,
  type Extra,
  padAxis,
  pass,
  planeMean,
  view,
} from "./operators.ts";
import { maxPool, maxPoolGrad } from "./pooling.ts";
import type { Lowering, Rule } from "./rule.ts";
import { convWeightGrad, depthwiseWeightGrad, imageWeightGrad, imageWeightGradFits } from "./weight-gradient.ts";

const input = (node: Node, index: number): string => node.inputs[index] ?? "";
const output = (node: Node, index: number): string => node.outputs[index] ?? "";

/** One row an operator of the training graph that has a blocked form. */
export const lowerings: Readonly<Record<string, Rule>> = {
  ...elementwise,
  Conv(c, node) {
    const filter = c.filter(input(node, 1));
    if (filter === undefined) return windowConv(c, node);
    const bias = input(node, 2) === "" ? undefined : c.channels(input(node, 2));
    const x = filter.shape.filter === "image" ? c.plain(input(node, 0)) : c.blocked(input(node, 0));
    c.bindPending(output(node, 0), {
      takesSum: true,
      write: (extra) => convForward(c.g, x, filter.value, { shape: filter.shape, bias, ...extra }),
    });
    return "lowered";
  },
  // In whatever layout it is held: the memory stays where it is.
  "ichor:After"(c, node) {
    const [x, after] = [c.held(input(node, 0)), c.held(input(node, 1))];
    const value = x.write();
    const how = { domain: node.domain, types: [value.type] };
    const [delayed] = c.g.nodes(node.op, [value, after.write()], {}, how);
    c.bind(output(node, 0), delayed!, x.layout);
    return "lowered";
  },
  "ichor:ConvInputGrad"(c, node) {
    const filter = c.filter(input(node, 1));
    if (filter === undefined || filter.shape.filter === "image") return "declined";
    const { g } = c;
    const { value: dy, gain } = gradientOf(c, input(node, 0));
    const w = gain === undefined ? filter.value : scaleFilter(g, filter.value, gain);
    const { shape } = filter;
    if (shape.stride === 2) c.bindQuarters(output(node, 0), convInputGradQuarters(g, dy, w, shape));
    else {
      const write = (extra: Extra) => convInputGrad(g, dy, w, { shape, ...extra });
      c.bindPending(output(node, 0), { takesSum: true, write });
    }
    return "lowered";
  },
  "ichor:ConvWeightGrad"(c, node) {
    const [xName, dyName] = [input(node, 0), input(node, 1)];
    const shape = weightGradShape(node, {
      typeOf: (name) => c.held(name).type,
      image: c.isImage(xName),
      block: c.block,
    });
    if (shape === undefined) return "declined";
    if (shape.filter === "image") {
      const x = c.plain(xName);
      if (!imageWeightGradFits(dims(x), shape)) return "declined";
      c.bind(output(node, 0), imageWeightGrad(c.g, { x, dy: c.blocked(dyName) }, shape), "image");
      return "lowered";
    }
    const x = c.blocked(xName);
    const { value: dy, gain } = gradientOf(c, dyName);
    const channels = staticShape(c.held(xName).type)[1] ?? 0;
    const dw =
      shape.filter === "depthwise"
        ? depthwiseWeightGrad(c.g, { x, dy }, shape)
        : (winogradFilterGrad(c.g, { x, dy }, shape) ?? convWeightGrad(c.g, { x, dy, channels }, shape));
    c.bind(output(node, 0), gain === undefined ? dw : scaleFilter(c.g, dw, gain), shape.filter);
    return "lowered";
  },
  "ichor:BatchNormalizationTraining": batchNormalization,
  "ichor:BatchNormalizationGrad": batchNormalizationGrad,
  Relu(c, node) {
    const name = input(node, 0);
    const { pending } = c.held(name);
    if (pending === undefined || c.onlyReader(name) !== node) return numberByNumber(c, node);
    c.bind(output(node, 0), pending.write({ activation: { kind: "Relu" } }), "blocked");
    return "lowered";
  },
  "ichor:ReluGrad": reluGrad,
  Add: add,
  Mul: scaled,
  MaxPool: maxPool,
  "ichor:MaxPoolGrad": maxPoolGrad,
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
    c.bind(output(node, 0), c.g.node("Mul", [channelMean(c.g, x), c.g.scalar(placesOf(x))]), "channels");
    return "lowered";
  },
  // A gradient on its way into the flat vector keeps its layout.
  Reshape(c, node) {
    const held = c.held(input(node, 0));
    const { layout } = held;
    const flat = c.constant(input(node, 1));
    if (layout === "plain" || layout === "blocked" || flat?.length !== 1) return "declined";
    const value = held.write();
    c.bind(output(node, 0), view(c.g, value, [dims(value).reduce((product, length) => product * length, 1)]), layout);
    return "lowered";
  },
};

/** A gradient on its way into a convolution: its gain a channel may be left to the filter. */
const gradientOf = (c: Lowering, name: string): { readonly value: Value; readonly gain?: Value } =>
  c.held(name).scaled ?? { value: c.blocked(name) };

/** A filter times a gain for each output channel: seen as a blocked tensor whose channels are the outputs. */
function scaleFilter(g: GraphBuilder, w: Value, gain: Value): Value {
  const shape = dims(w);
  const [outputs = 1, inputs = 1, ...kernel] = shape;
  const taps = kernel.reduce((product, length) => product * length, 1);
  return view(g, channelAffine(g, view(g, w, [1, outputs, taps, inputs]), { scale: gain }), shape);
}

/** Sums: quarter planes by quarters, a pending convolution in its own pass, anything else element by element. */
function add(c: Lowering, node: Node): "lowered" | "declined" {
  const names = [input(node, 0), input(node, 1)] as const;
  const [a, b] = [c.held(names[0]), c.held(names[1])];
  const sameShape = a.type.shape.join() === b.type.shape.join();
  if (sameShape && a.quarters !== undefined && b.quarters !== undefined) {
    const sum = (x: Value | undefined, y: Value | undefined) =>
      x === undefined || y === undefined ? (x ?? y) : c.g.node("Add", [x, y]);
    const [q, r] = [a.quarters, b.quarters];
    c.bindQuarters(output(node, 0), [sum(q[0], r[0]), sum(q[1], r[1]), sum(q[2], r[2]), sum(q[3], r[3])]);
    return "lowered";
  }
  const own = names.findIndex((name) => c.held(name).pending?.takesSum === true && c.onlyReader(name) === node);
  const pending = own < 0 ? undefined : c.held(names[own]!).pending;
  if (pending === undefined || !sameShape) return numberByNumber(c, node);
  const otherName = names[1 - own]!;
  const other = c.blocked(otherName);
  // A sum is taken in place only of a value that dies here; else of the convolution's, with the other passed through.
  const inPlace = c.dies(otherName, node);
  c.bindPending(output(node, 0), {
    takesSum: false,
    write: (extra) =>
      inPlace ? pending.write({ sum: other, ...extra }) : pass(c.g, other, { sum: pending.write({}), ...extra }),
  });
  return "lowered";
}

/** A vector of channels times a number stays what it is; two blocked values multiply as they lie. */
function scaled(c: Lowering, node: Node): "lowered" | "declined" {
  const [a, b] = [c.held(input(node, 0)), c.held(input(node, 1))];
  if (a.layout === "channels" && b.type.shape.length === 0) {
    c.bind(output(node, 0), c.g.node("Mul", [a.write(), b.write()]), "channels");
    return "lowered";
  }
  return numberByNumber(c, node);
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
  const { strides, pads, dilations } = slidingOf(node, kernel, staticShape(image.type).slice(2));
  const clip = clipOf(c, node);
  const how: BlockedConv = {
    kernel: pair(kernel),
    strides: pair(strides),
    dilations: pair(dilations),
    pads: [pads[0]!, pads[1]!, pads[2]!, pads[3]!],
    bias: paddedConstant(c, offsets, outputs),
  };
  const filter = imageFilter(c, weights, [outputs, inputs, ...kernel]);
  const write = (extra: Extra) => blockedConv(c.g, image.write(), filter, { ...how, ...extra });
  if (clip === undefined) c.bindPending(output(node, 0), { takesSum: true, write });
  else {
    c.absorb(clip.node);
    c.bind(output(clip.node, 0), write({ activation: clip.activation }), "blocked");
  }
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

/** The form of a convolution whose weight gradient a node is, if there is one. */
export function weightGradShape(
  node: Node,
  {
    typeOf,
    image,
    block,
  }: { readonly typeOf: (name: string) => ValueType; readonly image: boolean; readonly block: number },
): ConvShape | undefined {
  const [x, dy] = [staticShape(typeOf(input(node, 0))), staticShape(typeOf(input(node, 1)))];
  const kernel = intsOf(node.attributes, "kernel_shape", []);
  const group = intOf(node.attributes, "group", 1);
  return convFits({ x, w: [dy[1]!, x[1]! / group, ...kernel], ...slidingOf(node, kernel), group, image }, block);
}
