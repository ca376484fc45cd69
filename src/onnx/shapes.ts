import { sizeOf } from "../base/index.ts";
import { intOf, intsOf, stringOf } from "./attributes.ts";
import { einsumLengths, parseEinsum } from "./einsum.ts";
import type { Dimension, ValueType } from "./graph.ts";
import { convolution } from "./shapes/convolution.ts";
import { elementwise } from "./shapes/elementwise.ts";
import { generation } from "./shapes/generation.ts";
import { indexing } from "./shapes/indexing.ts";
import { movement } from "./shapes/movement.ts";
import { normalisation } from "./shapes/normalisation.ts";
import { pooling } from "./shapes/pooling.ts";
import { recurrences } from "./shapes/recurrent.ts";
import { resizing } from "./shapes/resize.ts";
import {
  axesOf,
  axisOf,
  broadcastShapes,
  type Call,
  constantInts,
  expectLength,
  lengthOf,
  productOf,
  type ShapeRule,
  sumOf,
  typeAt,
} from "./shapes/rule.ts";

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
  const axes = new Set(axesOf(call, given, rank));
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
  const [rows, inner] = intOf(call.attributes, "transA", 0) === 1 ? a.shape.toReversed() : a.shape;
  const [other, columns] = intOf(call.attributes, "transB", 0) === 1 ? b.shape.toReversed() : b.shape;
  if (rows === undefined || columns === undefined)
    throw new Error(`Gemm: [${a.shape}] and [${b.shape}] are no matrices`);
  if (typeof inner === "number" && typeof other === "number" && inner !== other) {
    throw new Error(`Gemm: lengths ${inner} and ${other} are to be summed over`);
  }
  return [{ element: a.element, shape: [rows, columns] }];
};

const matMul: ShapeRule = (call) => {
  const [a, b] = [typeAt(call, 0), typeAt(call, 1)];
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [inner, other] = [a.shape.at(-1), b.shape.at(b.shape.length === 1 ? -1 : -2)];
  if (typeof inner === "number" && typeof other === "number" && inner !== other) {
    throw new Error(`MatMul: lengths ${inner} and ${other} are to be summed over`);
  }
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
  const copies = intOf(call.attributes, "allowzero", 0) === 0;
  const wanted = constantInts(call, 1).map((length, axis) =>
    length === 0 && copies ? shape[axisOf(call, axis, shape.length)]! : length,
  );
  if (
    wanted.some((length) => typeof length === "number" && length < -1) ||
    wanted.indexOf(-1) !== wanted.lastIndexOf(-1)
  )
    throw new Error(`Reshape: [${wanted}] is no shape`);
  const rest = wanted.filter((length) => length !== -1);
  if (rest.length < wanted.length) return [{ element, shape: wanted.with(wanted.indexOf(-1), quotient(shape, rest)) }];
  const [from, to] = [productOf(shape), productOf(wanted)];
  if (typeof from === "number" && typeof to === "number" && from !== to) {
    throw new Error(`Reshape: [${shape}] does not fill [${wanted}]`);
  }
  return [{ element, shape: wanted }];
};

/** What is left of a shape's size over some of its lengths. */
function quotient(shape: readonly Dimension[], over: readonly Dimension[]): Dimension {
  const left = [...shape];
  for (const name of over) if (typeof name === "string" && left.includes(name)) left.splice(left.indexOf(name), 1);
  const known = (lengths: readonly Dimension[]) => sizeOf(lengths.filter((length) => typeof length === "number"));
  const [from, to] = [known(shape), known(over)];
  const names = left.filter((length) => typeof length === "string");
  if (names.length === 0 && (to === 0 || from % to !== 0))
    throw new Error(`Reshape: [${shape}] over [${over}] is not whole`);
  return productOf([...names, from / to]);
}

const flatten: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const stated = intOf(call.attributes, "axis", 1);
  const axis = stated === shape.length ? stated : axisOf(call, stated, shape.length); // all axes may go before
  return [{ element, shape: [productOf(shape.slice(0, axis)), productOf(shape.slice(axis))] }];
};

const transpose: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const order = intsOf(
    call.attributes,
    "perm",
    shape.map((_, axis) => shape.length - 1 - axis),
  );
  expectLength(call, "perm", order, shape.length);
  return [{ element, shape: axesOf(call, order, shape.length).map((axis) => shape[axis]!) }];
};

const concat: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const axis = axisOf(call, intOf(call.attributes, "axis", 0), shape.length);
  const shapes = call.inputs.map((_, index) => typeAt(call, index).shape);
  const odd = shapes.find((other) => other.length !== shape.length);
  if (odd !== undefined) throw new Error(`Concat: shapes [${shape}] and [${odd}] have different numbers of axes`);
  const joined = shape.map((_, at) => {
    const lengths = shapes.map((other) => other[at]!);
    if (at === axis) return sumOf(lengths);
    const known = lengths.filter((length) => typeof length === "number");
    if (new Set(known).size > 1) throw new Error(`Concat: lengths ${lengths.join(" and ")} differ at axis ${at}`);
    return known[0] ?? lengths[0]!;
  });
  return [{ element, shape: joined }];
};

/** Parts of given lengths, or so many equal ones, the last of them shorter (Split-18). */
const split: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const axis = axisOf(call, intOf(call.attributes, "axis", 0), shape.length);
  return partsOf(call, shape[axis]!).map((part) => ({ element, shape: shape.with(axis, part) }));
};

function partsOf(call: Call, whole: Dimension): readonly Dimension[] {
  if (call.inputs[1] !== undefined) {
    const parts = constantInts(call, 1);
    if (call.outputs !== undefined) expectLength(call, "split", parts, call.outputs);
    const sum = parts.reduce((a, b) => a + b, 0);
    if (parts.some((part) => part < 0) || (typeof whole === "number" && sum !== whole))
      throw new Error(`Split: parts of [${parts}] do not make ${whole}`);
    return parts;
  }
  const count = intOf(call.attributes, "num_outputs", call.outputs ?? 1);
  if (count < 1 || (call.outputs !== undefined && count !== call.outputs))
    throw new Error(`Split: num_outputs ${count} where the node has ${call.outputs} outputs`);
  if (count === 1) return [whole];
  const [length, part] = [lengthOf(whole), Math.ceil(lengthOf(whole) / count)];
  return Array.from({ length: count }, (_, index) => Math.max(0, Math.min(part, length - index * part)));
}

const expand: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  return [{ element, shape: broadcastShapes(shape, constantInts(call, 1)) }];
};

const gather: ShapeRule = (call) => {
  const [data, indices] = [typeAt(call, 0), typeAt(call, 1)];
  const axis = axisOf(call, intOf(call.attributes, "axis", 0), data.shape.length);
  return [
    { element: data.element, shape: [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)] },
  ];
};

/** One row an operator. */
const shapeRules: Readonly<Record<string, ShapeRule>> = {
  ...convolution,
  ...elementwise,
  ...indexing,
  ...generation,
  ...movement,
  ...normalisation,
  ...pooling,
  ...recurrences,
  ...resizing,
  Concat: concat,
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
