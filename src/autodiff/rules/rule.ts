import type { Shaped } from "../../base/index.ts";
import { type GraphBuilder, int, type Node, staticShape, type Value } from "../../onnx/index.ts";
import { scalarLike } from "./formulas.ts";

/** A node of the forward graph with its values, as a gradient rule sees it. */
export interface ForwardCall {
  readonly node: Node;
  /** By the operator's positions; what is optional and left out is undefined. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly (Value | undefined)[];
  /** An input's numbers where it is a constant (axes, shapes, bounds). */
  readonly constant: (index: number) => Shaped | undefined;
}

/** dL/d(input) on demand: only those that some parameter needs are ever written. */
export type InputGradient = (() => Value) | "none";

/**
 * dL/d(input) for each input of a node, by position ("none" where none flows back). Given are `dy` = dL/d(output) of the
 * first output (zeros where none reaches it) and `dys` of all outputs (undefined where none reaches it).
 */
export type Gradient = (
  g: GraphBuilder,
  call: ForwardCall,
  dy: Value,
  dys: readonly (Value | undefined)[],
) => readonly InputGradient[];

/** Rows of the table of gradients, by operator key. */
export type Gradients = Readonly<Record<string, Gradient>>;

/** The value at a position that the operator's definition requires. */
export function at(values: readonly (Value | undefined)[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new Error(`value ${index} is missing`);
  return value;
}

/** Integers of an input that must be a constant for the rule to be written; otherwise an error that names the node. */
export function constantIntegers({ constant, node }: ForwardCall, index: number, name: string): readonly number[] {
  const found = constant(index);
  if (found !== undefined) return Array.from(found.data, Number);
  throw new Error(
    `${node.name}: the gradient of ${node.op} wants ${name} as a constant: fold it, or write it as an initializer`,
  );
}
/** Zeros of a value's element type. */
export function zerosOf(g: GraphBuilder, like: Value, shape: readonly number[]): Value {
  return g.node("Expand", [scalarLike(g, 0, like), g.axes(shape)]);
}

/** Zeros in the place of a gradient that does not reach a value. */
export const zerosLike = (g: GraphBuilder, like: Value) => zerosOf(g, like, staticShape(like.type));

/** Sums a gradient over the axes along which its input was stretched by broadcasting. */
export function sumTo(g: GraphBuilder, gradient: Value, like: Value): Value {
  const [from, to] = [gradient.type.shape, like.type.shape];
  const lead = from.length - to.length;
  const axes = from.flatMap((length, axis) => (axis < lead || (to[axis - lead] === 1 && length !== 1) ? [axis] : []));
  if (axes.length === 0) return gradient;
  const summed = g.node("ReduceSum", [gradient, g.axes(axes)], { keepdims: int(1) });
  return lead === 0 ? summed : g.node("Reshape", [summed, g.axes(staticShape(like.type))]);
}

/** A gradient in the shape of the value that it belongs to. */
export const reshapeLike = (g: GraphBuilder, gradient: Value, like: Value) =>
  g.node("Reshape", [gradient, g.axes(staticShape(like.type))]);
