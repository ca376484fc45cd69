import { sizeOf } from "../../base/index.ts";
import { int, type Node, staticShape, type Value } from "../../onnx/index.ts";
import type { Part } from "./held.ts";
import type { HeldSlot, VectorView } from "./layout.ts";
import { channelAffine, dims, pass, view } from "./operators.ts";
import type { Lowering } from "./rule.ts";

/** Where a part of the state vectors lies: a large filter, or the slots behind the large ones, all together. */
export interface Place {
  /** Of the filter; the rest has none. */
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  /** How its numbers are seen: a large filter as a blocked tensor, the rest as they lie. */
  readonly shape: readonly number[];
  readonly large: boolean;
}

/** What the lowering of an update knows besides. */
export interface Update extends Lowering {
  /** What becomes the next state: it lies in memory of its own, where no sum can be taken in place. */
  readonly results: ReadonlySet<string>;
  /** The vector is held by parts; `whole` puts it together. */
  bindParts(name: string, parts: readonly Part[], whole?: () => Value): void;
  readonly places: readonly Place[];
  /** The state vectors, and whether a step changes them: one that it never does is the same all over a parameter. */
  readonly vectors: ReadonlyMap<string, "updated" | "fixed">;
  readonly views: VectorView[];
}

/**
 * The parts of the state: each large filter, which is worth operators of its own, and the rest. ONNX Runtime 1.30 walks
 * back from the outputs, what stands last first: so the rest, which waits for the whole backward pass, stands in front.
 */
export function placesOfState(slots: readonly HeldSlot[], block: number): Place[] {
  const large = slots.filter((slot) => slot.large);
  const places = large.map(({ slot: { name }, offset, length, shape: [outputs = 1, inputs = 1, ...kernel] }) => {
    const shape = [1, block, (outputs / block) * sizeOf(kernel), inputs];
    return { name, offset, length, shape, large: true };
  });
  const offset = large.reduce((sum, { length }) => sum + length, 0);
  const length = slots.reduce((sum, slot) => sum + slot.length, 0) - offset;
  if (length === 0 || places.length === 0) return places;
  return [{ name: "", offset, length, shape: [length], large: false }, ...places];
}

/** Operators that an update is made of, all number by number. */
const operators = ["Add", "Clip", "Div", "Mul", "Sqrt", "Sub", "Where"];

/**
 * A node of the update, part by part, so that a filter moves while its gradient is at hand and no vector of all
 * parameters is put together or passed through. Factors are taken along and multiplied in where they are added, in place.
 */
export function updateByParts(c: Update, node: Node): "lowered" | "declined" {
  if (c.places.length === 0 || !operators.includes(node.op)) return "declined";
  const [output = ""] = node.outputs;
  const vectors = node.inputs.map((name) => (name === "" ? undefined : partsOf(c, name)));
  const whole = vectors.findIndex((parts) => parts !== undefined);
  if (whole < 0) return "declined";
  if (c.typeOf(output).shape.join() !== c.typeOf(node.inputs[whole]!).shape.join()) return "declined";
  const numbers = node.inputs.map((name) => name !== "" && sizeOf(staticShape(c.typeOf(name))) === 1);
  if (vectors.some((parts, index) => parts === undefined && !numbers[index])) return "declined";
  const over = node.inputs.map((name) => c.dies(name, node));
  const shown = c.results.has(output);
  const parts = c.places.map(({ large }, at): Part => {
    const operands = vectors.map((of, index): Part => of?.[at] ?? { factor: c.plain(node.inputs[index]!) });
    if (large && node.op === "Mul") return product(c, operands);
    if (large && (node.op === "Add" || node.op === "Sub")) return sum(c, operands, { op: node.op, over, shown });
    const values = operands.map((part) => (large ? written(c, part) : (part.value ?? part.factor)));
    return { value: c.g.node(node.op, values, node.attributes) };
  });
  c.bindParts(output, parts);
  return "lowered";
}

/** A vector by parts: one of the state, each part an input of its own over the same memory, or one made of such. */
function partsOf(c: Update, name: string): readonly Part[] | undefined {
  const kind = c.vectors.get(name);
  const held = c.held(name);
  if (held.parts !== undefined || kind === undefined) return held.parts;
  const parts = c.places.map(({ large, shape, ...place }): Part => {
    // Of a filter with the same number throughout the first block of them is read, as a filter for each lane.
    const lanes = large && kind === "fixed";
    const seen = lanes ? [c.block, 1, 1, 1] : shape;
    const view = { name: `${name}/${place.name}`, vector: name, offset: place.offset, shape: seen };
    c.views.push(view);
    const input = c.g.input(view.name, { element: "float32", shape: seen });
    return lanes ? { factor: input } : { value: input };
  });
  c.bindParts(name, parts, held.write);
  return parts;
}

/** Values multiply with values; factors multiply with factors, and wait. */
function product({ g }: Update, [a, b]: readonly Part[]): Part {
  const both = (x: Value | undefined, y: Value | undefined) => (x && y ? g.node("Mul", [x, y]) : (x ?? y));
  const [value, factor] = [both(a!.value, b!.value), both(a!.factor, b!.factor)];
  return value === undefined ? { factor } : { value, factor };
}

/**
 * a ± b: what has a factor is added to the other in one pass, in place where that one dies.
 * @param how `over`: whether each of the operands may be written over; `shown`: whether the sum is an output
 */
function sum(
  c: Update,
  [a, b]: readonly Part[],
  { op, over, shown }: { readonly op: "Add" | "Sub"; readonly over: readonly boolean[]; readonly shown: boolean },
): Part {
  const { g } = c;
  const scaled = ({ value, factor }: Part) => value !== undefined && factor !== undefined;
  const swap = op === "Add" && scaled(a!) && !scaled(b!) && b!.value !== undefined;
  const [left, right, mayGo] = swap ? [b!, a!, over[1]] : [a!, b!, over[0]];
  if (mayGo === true && left.value !== undefined && scaled(right)) {
    const scale = lanes(c, op === "Add" ? right.factor! : g.node("Neg", [right.factor]));
    const value = channelAffine(g, right.value!, { scale, sum: written(c, left) });
    return { value: shown ? pass(g, value, {}) : value };
  }
  if (op === "Add" && scaled(left) && right.value === undefined) {
    const shift = g.node("Expand", [right.factor, g.axes([c.block])]);
    return { value: channelAffine(g, left.value!, { scale: lanes(c, left.factor!), shift }) };
  }
  return { value: g.node(op, [written(c, left), written(c, right)]) };
}

/** A factor as the filter of a convolution a channel. */
const lanes = ({ g, block }: Update, factor: Value): Value =>
  dims(factor).length === 4 ? factor : g.node("Expand", [factor, g.axes([block, 1, 1, 1])]);

/** A part with its factor multiplied in. */
function written(c: Update, { value, factor }: Part): Value {
  if (factor === undefined) return value!;
  if (value !== undefined) return channelAffine(c.g, value, { scale: lanes(c, factor) });
  return dims(factor).length === 4 ? view(c.g, factor, [1, c.block, 1, 1]) : factor;
}

/** All parts one behind the other: for who reads the vector as a whole. */
export function putBehind(c: Update, parts: readonly Part[]): Value {
  const placed = c.places.map((place, at) => ({ ...place, part: parts[at]! })).sort((a, b) => a.offset - b.offset);
  const flat = placed.map(({ shape, length, part }) => {
    const value = written(c, part);
    return view(c.g, part.value === undefined ? c.g.node("Expand", [value, c.g.axes(shape)]) : value, [length]);
  });
  return c.g.node("Concat", flat, { axis: int(0) });
}

/** The parts as outputs of their own, each where it belongs in the next state. */
export function showParts(c: Update, parts: readonly Part[], vector: string): VectorView[] {
  return c.places.map(({ name, offset, shape }, at) => {
    const shown = { name: `${vector}_next/${name}`, vector, offset, shape };
    c.g.output(written(c, parts[at]!), shown.name);
    return shown;
  });
}
