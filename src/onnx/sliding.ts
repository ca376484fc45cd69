import { intOf, intsOf, stringOf } from "./attributes.ts";
import type { Attributes, Node } from "./graph.ts";

/** What a convolution or pooling slides over its input: one entry a spatial axis, pads begin then end. */
export interface Sliding {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

type SlidingNode = Pick<Node, "attributes" | "name">;

/**
 * Kernel, strides, pads and dilations of a Conv or pooling node, with `auto_pad` turned into pads.
 * @param size lengths of the input's spatial axes; may be left out where the node has no `auto_pad`
 */
export function slidingOf(node: SlidingNode, kernel: readonly number[], size?: readonly number[]): Sliding {
  const ones = kernel.map(() => 1);
  const strides = intsOf(node.attributes, "strides", ones);
  const dilations = intsOf(node.attributes, "dilations", ones);
  const zeros = [...kernel, ...kernel].map(() => 0);
  const auto = stringOf(node.attributes, "auto_pad", "NOTSET");
  if (auto === "NOTSET") return { kernel, strides, pads: intsOf(node.attributes, "pads", zeros), dilations };
  if (auto === "VALID") return { kernel, strides, pads: zeros, dilations };
  if (size === undefined) throw new Error(`${node.name}: auto_pad ${auto} must be turned into pads before`);
  const total = kernel.map((length, axis) => {
    const [stride, reach] = [strides[axis]!, (length - 1) * dilations[axis]! + 1];
    return Math.max(0, (Math.ceil(size[axis]! / stride) - 1) * stride + reach - size[axis]!);
  });
  return { kernel, strides, pads: halves(total, auto === "SAME_UPPER" ? "end" : "begin"), dilations };
}

/** Length of the output along one spatial axis (ONNX Conv, floor mode). */
export function slidLength(length: number, { kernel, strides, pads, dilations }: Sliding, axis: number): number {
  const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
  return Math.floor((length + pads[axis]! + pads[axis + kernel.length]! - reach) / strides[axis]!) + 1;
}

/** What a pooling slides over its input. */
export interface Pooling extends Sliding {
  /** The pads that the node states; `pads` reach further at the end where `ceil_mode` adds a window. */
  readonly stated: readonly number[];
}

/**
 * The windows of a pooling node over an input with these spatial lengths. `ceil_mode` is turned into pads: a last window
 * that begins within the input or the pads before it is kept, as in PyTorch.
 */
export function poolingOf(node: SlidingNode, size: readonly number[]): Pooling {
  const sliding = slidingOf(node, intsOf(node.attributes, "kernel_shape", []), size);
  const { kernel, strides, pads, dilations } = sliding;
  if (intOf(node.attributes, "ceil_mode", 0) === 0) return { ...sliding, stated: pads };
  const ends = size.map((length, axis) => {
    const [begin, end] = [pads[axis]!, pads[axis + size.length]!];
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
    const steps = Math.ceil((length + begin + end - reach) / strides[axis]!);
    const last = steps * strides[axis]! >= length + begin ? steps - 1 : steps;
    return Math.max(end, last * strides[axis]! + reach - length - begin);
  });
  return { ...sliding, pads: [...pads.slice(0, size.length), ...ends], stated: pads };
}

/**
 * What an average pooling divides the sum under each of its windows by, row-major over the output's spatial axes: the
 * taps on the input and, with `count_include_pad`, on the stated pads.
 */
export function windowSizes(node: SlidingNode, size: readonly number[]): readonly number[] {
  const pooling = poolingOf(node, size);
  const { kernel, strides, pads, stated, dilations } = pooling;
  const padsCount = intOf(node.attributes, "count_include_pad", 0) === 1;
  const along = size.map((length, axis) => {
    const begin = padsCount ? -pads[axis]! : 0;
    const end = padsCount ? length + stated[axis + size.length]! : length;
    return Array.from({ length: slidLength(length, pooling, axis) }, (_, place) => {
      const first = place * strides[axis]! - pads[axis]!;
      const taps = Array.from({ length: kernel[axis]! }, (_, tap) => first + tap * dilations[axis]!);
      return taps.filter((at) => at >= begin && at < end).length;
    });
  });
  return along.reduce((outer, axis) => outer.flatMap((some) => axis.map((taps) => some * taps)), [1]);
}

/** What a ConvTranspose spreads over its output. */
export interface Spreading extends Sliding {
  /** Lengths of the output's spatial axes. */
  readonly size: readonly number[];
}

/**
 * Strides, pads and dilations of a ConvTranspose over an input with these spatial lengths, `auto_pad` and `output_shape`
 * turned into pads.
 */
export function spreadingOf(node: SlidingNode, kernel: readonly number[], size: readonly number[]): Spreading {
  const { attributes } = node;
  const auto = stringOf(attributes, "auto_pad", "NOTSET");
  const plain = slidingOf({ ...node, attributes: without(attributes, "auto_pad") }, kernel);
  const { strides, dilations } = plain;
  const more = intsOf(
    attributes,
    "output_padding",
    kernel.map(() => 0),
  );
  const whole = size.map((length, axis) => (length - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1);
  const padded = (pads: readonly number[]) => ({
    ...plain,
    pads,
    size: whole.map((length, axis) => length + more[axis]! - pads[axis]! - pads[axis + kernel.length]!),
  });
  const over = (from: readonly number[], to: readonly number[]) =>
    halves(
      from.map((length, axis) => Math.max(0, length - to[axis]!)),
      auto === "SAME_UPPER" ? "end" : "begin",
    );
  const stated = intsOf(attributes, "output_shape", []).slice(-kernel.length);
  if (stated.length > 0) {
    const reach = whole.map((length, axis) => length + more[axis]!);
    return { ...padded(over(reach, stated)), size: stated };
  }
  // Pads are counted without output_padding and never below zero, as ONNX Runtime does.
  if (auto.startsWith("SAME")) {
    const wanted = size.map((length, axis) => length * strides[axis]!);
    return padded(over(whole, wanted));
  }
  return padded(auto === "VALID" ? plain.pads.map(() => 0) : plain.pads);
}

/** Attributes but for one. */
const without = (attributes: Attributes, name: string): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([other]) => other !== name));

/** Pads, begin then end, that sum to `total`; where one is longer it is that of the named side. */
function halves(total: readonly number[], longer: "begin" | "end"): number[] {
  const [less, more] = [total.map((pad) => Math.floor(pad / 2)), total.map((pad) => Math.ceil(pad / 2))];
  return longer === "end" ? [...less, ...more] : [...more, ...less];
}
