import { sizeOf } from "../base/index.ts";
import { intOf, intsOf, stringOf } from "./attributes.ts";
import { einsumLengths, parseEinsum } from "./einsum.ts";
import type { Dimension, ValueType } from "./graph.ts";
import { convolution } from "./shapes/convolution.ts";
import { elementwise } from "./shapes/elementwise.ts";
import { indexing } from "./shapes/indexing.ts";
import { movement } from "./shapes/movement.ts";
import { pooling } from "./shapes/pooling.ts";
import { recurrences } from "./shapes/recurrent.ts";
import { resizing } from "./shapes/resize.ts";
import { broadcastShapes, type Call, constantInts, first, lengthOf, type ShapeRule, typeAt } from "./shapes/rule.ts";

/** Types of the outputs of a call. An operator without a row is an error that says where to add it. */
export function inferTypes(call: Call): readonly ValueType[] {
  const rule = shapeRules[call.key];
  if (rule === undefined) {
    throw new Error(`no shape rule for ${call.key}: add a row to shapeRules in src/onnx/shapes.ts`);
  }
  return rule(call);
}

/** y = reduction of x over axes (an input from opset 18 on, or all axes). */
const reduce: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const rank = shape.length;
  const named = call.inputs[1] === undefined ? [] : constantInts(call, 1);
  const none = named.length > 0 || intOf(call.attributes, "noop_with_empty_axes", 0) === 1;
  const given = none ? named : shape.map((_, axis) => axis);
  const axes = new Set(given.map((axis) => (axis + rank) % rank));
  const keep = intOf(call.attributes, "keepdims", 1) === 1;
  return [
    {
      element,
      shape: keep
        ? shape.map((length, axis) => (axes.has(axis) ? 1 : length))
        : shape.filter((_, axis) => !axes.has(axis)),
    },
  ];
};

/** y = a·b' with optional transposes of a and b. */
const gemm: ShapeRule = (call) => {
  const [a, b] = [typeAt(call, 0), typeAt(call, 1)];
  const rows = a.shape[intOf(call.attributes, "transA", 0) === 1 ? 1 : 0]!;
  const columns = b.shape[intOf(call.attributes, "transB", 0) === 1 ? 0 : 1]!;
  return [{ element: a.element, shape: [rows, columns] }];
};

const matMul: ShapeRule = (call) => {
  const [a, b] = [typeAt(call, 0), typeAt(call, 1)];
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [rows, columns] = [a.shape.slice(-2, -1), b.shape.length === 1 ? [] : b.shape.slice(-1)];
  return [{ element: a.element, shape: [...batch, ...rows, ...columns] }];
};

const einsum: ShapeRule = (call) => {
  const shapes = call.inputs.map((_, index) => typeAt(call, index).shape.map(lengthOf));
  const ranks = shapes.map(({ length }) => length);
  const equation = parseEinsum(stringOf(call.attributes, "equation", ""), ranks);
  const lengths = einsumLengths(equation, shapes);
  return [{ element: typeAt(call, 0).element, shape: equation.output.map((label) => lengths.get(label)!) }];
};

const reshape: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const wanted = constantInts(call, 1).map((length, axis) => (length === 0 ? shape[axis]! : length));
  const hole = wanted.indexOf(-1);
  if (hole < 0) return [{ element, shape: wanted }];
  const named = shape.filter((length) => typeof length === "string");
  const rest = wanted.filter((length, axis) => axis !== hole && typeof length === "number") as number[];
  if (named.length > 0 && !wanted.some((length) => typeof length === "string")) {
    return [{ element, shape: wanted.map((length, axis) => (axis === hole ? named[0]! : length)) }];
  }
  const total = sizeOf(shape.filter((length) => typeof length === "number"));
  return [{ element, shape: wanted.map((length, axis) => (axis === hole ? total / sizeOf(rest) : length)) }];
};

const flatten: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const axis = intOf(call.attributes, "axis", 1);
  const head = shape.slice(0, axis);
  const before: Dimension = head.length === 1 ? head[0]! : sizeOf(head.map(lengthOf));
  return [{ element, shape: [before, sizeOf(shape.slice(axis).map(lengthOf))] }];
};

const transpose: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const order = intsOf(
    call.attributes,
    "perm",
    shape.map((_, axis) => shape.length - 1 - axis),
  );
  return [{ element, shape: order.map((axis) => shape[axis]!) }];
};

const concat: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const axis = (intOf(call.attributes, "axis", 0) + shape.length) % shape.length;
  const total = call.inputs.reduce((sum, _, index) => sum + lengthOf(typeAt(call, index).shape[axis]!), 0);
  return [{ element, shape: shape.map((length, at) => (at === axis ? total : length)) }];
};

const split: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const axis = (intOf(call.attributes, "axis", 0) + shape.length) % shape.length;
  return constantInts(call, 1).map((part) => ({
    element,
    shape: shape.map((length, at) => (at === axis ? part : length)),
  }));
};

const expand: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  return [{ element, shape: broadcastShapes(shape, constantInts(call, 1)) }];
};

const gather: ShapeRule = (call) => {
  const [data, indices] = [typeAt(call, 0), typeAt(call, 1)];
  const axis = (intOf(call.attributes, "axis", 0) + data.shape.length) % data.shape.length;
  return [
    { element: data.element, shape: [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)] },
  ];
};

/** One row an operator. */
const shapeRules: Readonly<Record<string, ShapeRule>> = {
  ...convolution,
  ...elementwise,
  ...indexing,
  ...movement,
  ...pooling,
  ...recurrences,
  ...resizing,
  BatchNormalization: first,
  Concat: concat,
  Dropout: first,
  Einsum: einsum,
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  MatMul: matMul,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ReduceMax: reduce,
  ReduceMean: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSum: reduce,
  ReduceSumSquare: reduce,
  Reshape: reshape,
  Split: split,
  Transpose: transpose,
};

/** The operators whose output shapes are known. */
export const shapedOperators: readonly string[] = Object.keys(shapeRules);
