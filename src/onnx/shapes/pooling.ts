import { poolingOf, slidLength } from "../sliding.ts";
import { lengthOf, type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

const pool: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const size = shape.slice(2).map(lengthOf);
  const sliding = poolingOf({ name: call.key, attributes: call.attributes }, size);
  return [{ element, shape: [...shape.slice(0, 2), ...size.map((length, axis) => slidLength(length, sliding, axis))] }];
};

const globalPool: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  return [{ element, shape: shape.map((length, axis) => (axis < 2 ? length : 1)) }];
};

/** Poolings. */
export const pooling: ShapeRules = {
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  MaxPool: pool,
};
