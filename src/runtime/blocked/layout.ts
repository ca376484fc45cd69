import type { Slot } from "../../onnx/index.ts";

/**
 * How the numbers of a value lie in memory.
 * - `plain`: row-major, as ONNX has it.
 * - `blocked`: [N, C, H, W] as [N, C/B, H, W, B], channels padded with zeros to a multiple of the block B.
 * - `channels`: [C] padded with zeros to a multiple of B.
 * - `filter`: [O, I, kh, kw] as [O/B, I/B, kh, kw, B of I, B of O], both padded with zeros.
 * - `depthwise`: [C, 1, kh, kw] as [C/B, kh, kw, B], padded with zeros.
 * - `image`: [O, I, kh, kw] with I < B as [O/B, I, kh, kw, B], O padded: the filter of a plain image.
 * Padding stays zero through training: what flows into it is zero and so are its gradients.
 */
export type Layout = "plain" | "blocked" | "channels" | FilterLayout;

/** The layouts of filters. */
export type FilterLayout = "filter" | "depthwise" | "image";

/** A length rounded up to whole blocks. */
export const padTo = (length: number, block: number): number => Math.ceil(length / block) * block;

/** Shape that a slot has when held in a layout. */
export function heldShape(shape: readonly number[], layout: Layout, block: number): readonly number[] {
  const [first = 1, second = 1, ...rest] = shape;
  switch (layout) {
    case "plain":
    case "blocked":
      return shape;
    case "channels":
      return [padTo(first, block)];
    case "depthwise":
    case "image":
      return [padTo(first, block), second, ...rest];
    case "filter":
      return [padTo(first, block), padTo(second, block), ...rest];
  }
}

/** A slot with its layout and its place in the held vector. */
export interface HeldSlot {
  /** Whether it is a filter that is worth an operator of its own in an update; those lie in front of all others. */
  readonly large: boolean;
  readonly slot: Slot;
  readonly layout: Layout;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** A part of a state vector that is an input or an output of its own: a view of its memory. */
export interface VectorView {
  readonly name: string;
  readonly vector: string;
  readonly offset: number;
  readonly shape: readonly number[];
}

/** Numbers from which on a filter is large: below it an operator takes longer to start than to run. */
const largeFilter = 2 ** 14;

/** Places slots one after the other, each in its layout, large filters first. Answers them in their own order. */
export function holdSlots(slots: readonly Slot[], layoutOf: (slot: Slot) => Layout, block: number): HeldSlot[] {
  const laid = slots.map((slot) => {
    const layout = layoutOf(slot);
    const shape = heldShape(slot.shape, layout, block);
    const length = shape.reduce((product, part) => product * part, 1);
    return { slot, layout, shape, length, large: layout === "filter" && length >= largeFilter };
  });
  let front = 0;
  let behind = laid.reduce((sum, { length, large }) => sum + (large ? length : 0), 0);
  return laid.map((held) => {
    const offset = held.large ? front : behind;
    if (held.large) front += held.length;
    else behind += held.length;
    return { ...held, offset };
  });
}

/** A plain flat vector in the held layout. */
export function packVector(plain: Float32Array, slots: readonly HeldSlot[], block: number): Float32Array {
  const held = new Float32Array(slots.reduce((sum, { length }) => sum + length, 0));
  for (const slot of slots)
    eachPlace(slot, block, (from, to) => {
      held[to] = plain[from]!;
    });
  return held;
}

/** A held flat vector back in plain layout; padding is dropped. */
export function unpackVector(held: Float32Array, slots: readonly HeldSlot[], block: number): Float32Array {
  const last = slots.at(-1)?.slot;
  const plain = new Float32Array(last === undefined ? 0 : last.offset + last.shape.reduce((a, b) => a * b, 1));
  for (const slot of slots)
    eachPlace(slot, block, (from, to) => {
      plain[from] = held[to]!;
    });
  return plain;
}

/** Visits each number of a slot: its place in the plain vector and in the held one. */
function eachPlace(
  { slot, layout, shape, offset }: HeldSlot,
  block: number,
  visit: (plain: number, held: number) => void,
): void {
  const length = slot.shape.reduce((product, part) => product * part, 1);
  if (layout !== "filter" && layout !== "depthwise" && layout !== "image") {
    for (let index = 0; index < length; index++) visit(slot.offset + index, offset + index);
    return;
  }
  const [outputs = 1, inputs = 1, ...kernel] = slot.shape;
  const taps = kernel.reduce((product, part) => product * part, 1);
  if (layout !== "filter") {
    const each = inputs * taps;
    for (let o = 0; o < outputs; o++) {
      const to = offset + Math.floor(o / block) * each * block + (o % block);
      for (let at = 0; at < each; at++) visit(slot.offset + o * each + at, to + at * block);
    }
    return;
  }
  const inputBlocks = (shape[1] ?? block) / block;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const chunk = Math.floor(o / block) * inputBlocks + Math.floor(i / block);
      const lane = (i % block) * block + (o % block);
      const from = slot.offset + (o * inputs + i) * taps;
      for (let tap = 0; tap < taps; tap++) visit(from + tap, offset + (chunk * taps + tap) * block * block + lane);
    }
  }
}
