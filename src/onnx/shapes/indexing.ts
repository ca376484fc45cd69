import { intOf } from "../attributes.ts";
import {
  axisOf,
  constantInts,
  expectLength,
  first,
  firstAlong,
  lengthOf,
  type ShapeRule,
  type ShapeRules,
  typeAt,
} from "./rule.ts";

const gatherElements: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  axisOf(call, intOf(call.attributes, "axis", 0), shape.length);
  expectLength(call, "the indices' shape", typeAt(call, 1).shape, shape.length);
  return [{ element, shape: typeAt(call, 1).shape }];
};

const gatherNd: ShapeRule = (call) => {
  const [data, indices] = [typeAt(call, 0), typeAt(call, 1)];
  const named = intOf(call.attributes, "batch_dims", 0) + lengthOf(indices.shape.at(-1) ?? 0);
  axisOf(call, named - 1, data.shape.length);
  return [{ element: data.element, shape: [...indices.shape.slice(0, -1), ...data.shape.slice(named)] }];
};

const oneHot: ShapeRule = (call) => {
  const { shape } = typeAt(call, 0);
  const axis = axisOf(call, intOf(call.attributes, "axis", -1), shape.length + 1);
  return [{ element: typeAt(call, 2).element, shape: shape.toSpliced(axis, 0, constantInts(call, 1)[0]!) }];
};

const argBest: ShapeRule = (call) => {
  const { shape } = typeAt(call, 0);
  const axis = axisOf(call, intOf(call.attributes, "axis", 0), shape.length);
  const keep = intOf(call.attributes, "keepdims", 1) === 1;
  return [{ element: "int64", shape: keep ? shape.with(axis, 1) : shape.toSpliced(axis, 1) }];
};

const topK: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const axis = axisOf(call, intOf(call.attributes, "axis", -1), shape.length);
  const taken = shape.with(axis, constantInts(call, 1)[0]!);
  return [
    { element, shape: taken },
    { element: "int64", shape: taken },
  ];
};

/** Operators that take or give indices. */
export const indexing: ShapeRules = {
  ArgMax: argBest,
  ArgMin: argBest,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  OneHot: oneHot,
  ScatterElements: firstAlong("axis", 0),
  ScatterND: first,
  TopK: topK,
};
