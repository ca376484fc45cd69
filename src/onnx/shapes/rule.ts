import type { Shaped } from "../../base/index.ts";
import { intOf } from "../attributes.ts";
import type { Attributes, Dimension, Value, ValueType } from "../graph.ts";
import type { Sliding } from "../sliding.ts";

/** A call whose output types are asked for. */
export interface Call {
  /** The operator's key (`operatorKey`). */
  readonly key: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  /** Constants of the graph, for operators whose output shape is an input (Reshape, Expand, Slice). */
  readonly constants: ReadonlyMap<string, Shaped>;
  /** How many outputs the node names; those that are always there where it is left out. */
  readonly outputs?: number;
}

/** Types of the outputs of a call, from those of its inputs. */
export type ShapeRule = (call: Call) => readonly ValueType[];

/** Rows of the table of shape rules, by operator key. */
export type ShapeRules = Readonly<Record<string, ShapeRule>>;

/** One output of the type of the first input. */
export const first: ShapeRule = (call) => [typeAt(call, 0)];

/** One output of the type of the first input, whose axis an attribute names. */
export const firstAlong =
  (attribute: string, fallback: number): ShapeRule =>
  (call) => {
    const x = typeAt(call, 0);
    axisOf(call, intOf(call.attributes, attribute, fallback), x.shape.length);
    return [x];
  };

/** One output, elementwise: the first input's element type and all inputs' shapes, broadcast. */
export const broadcast: ShapeRule = (call) => {
  const shapes = call.inputs.map((_, index) => typeAt(call, index).shape);
  return [{ element: typeAt(call, 0).element, shape: shapes.reduce(broadcastShapes) }];
};

/** Shape of an elementwise result: axes aligned at the end, 1 stretches (ONNX "Multidirectional broadcasting"). */
export function broadcastShapes(a: readonly Dimension[], b: readonly Dimension[]): Dimension[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    // A named length beside a number can only be that number, or 1.
    if (typeof left === "string" && typeof right === "number") return right;
    if (typeof left === "number" && typeof right === "string") return left;
    throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
  });
}

/** The type of an input that the operator requires. */
export function typeAt(call: Call, index: number): ValueType {
  const value = call.inputs[index];
  if (value === undefined) throw new Error(`${call.key} lacks input ${index}`);
  return value.type;
}

/** Integers of an input that must be a constant. */
export function constantInts(call: Call, index: number): number[] {
  const value = call.inputs[index];
  const constant = value && call.constants.get(value.name);
  if (constant === undefined) throw new Error(`${call.key}: input ${index} must be a constant`);
  return Array.from(constant.data, Number);
}

/** Throws where what slides has not an entry a spatial axis, or stands still. */
export function expectSliding(call: Pick<Call, "key">, { strides, dilations, pads }: Sliding, axes: number) {
  expectLength(call, "strides", strides, axes);
  expectLength(call, "dilations", dilations, axes);
  expectLength(call, "pads", pads, 2 * axes);
  const still = [...strides, ...dilations].find((step) => step < 1);
  if (still !== undefined)
    throw new Error(`${call.key}: strides [${strides}] and dilations [${dilations}] go by ${still}`);
}

/** A length that must be known; a named one is an error. */
export function lengthOf(length: Dimension): number {
  if (typeof length === "number") return length;
  throw new Error(`the length ${length} is not known before run time`);
}

/** An axis of a value with so many axes, counted from the front; −1 is the last. Throws where there is none. */
export function axisOf({ key }: Pick<Call, "key">, axis: number, rank: number): number {
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new Error(`${key}: axis ${axis} of a value with ${rank} axes`);
}

/** Several axes, each named once. */
export function axesOf(call: Pick<Call, "key">, axes: readonly number[], rank: number): readonly number[] {
  const counted = axes.map((axis) => axisOf(call, axis, rank));
  const twice = counted.find((axis, index) => counted.indexOf(axis) !== index);
  if (twice === undefined) return counted;
  throw new Error(`${call.key}: axis ${twice} is named twice in [${axes}]`);
}

/** Throws where a list has not as many entries as are wanted. */
export function expectLength({ key }: Pick<Call, "key">, what: string, { length }: readonly unknown[], wanted: number) {
  if (length !== wanted) throw new Error(`${key}: ${what} has ${length} entries where ${wanted} are wanted`);
}

/** A sum of lengths; with names among them it is a name itself (`slices+1`). */
export const sumOf = (lengths: readonly Dimension[]): Dimension =>
  combined(lengths, { start: 0, sign: "+", apply: (a, b) => a + b });

/** A product of lengths; with names among them it is a name itself (`batch*4`). */
export const productOf = (lengths: readonly Dimension[]): Dimension =>
  lengths.includes(0) ? 0 : combined(lengths, { start: 1, sign: "*", apply: (a, b) => a * b });

interface Operation {
  readonly start: number;
  readonly sign: string;
  readonly apply: (a: number, b: number) => number;
}

function combined(lengths: readonly Dimension[], { start, sign, apply }: Operation): Dimension {
  const names = lengths.filter((length) => typeof length === "string").toSorted();
  const rest = lengths.filter((length) => typeof length === "number").reduce(apply, start);
  if (names.length === 0) return rest;
  return [...names, ...(rest === start ? [] : [rest])].join(sign);
}
