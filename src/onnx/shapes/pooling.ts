import { intsOf } from "../attributes.ts";
import { poolingOf, slidLength } from "../sliding.ts";
import { expectLength, expectSliding, lengthOf, type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

const pool: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const size = shape.slice(2).map(lengthOf);
  expectLength(call, "kernel_shape", intsOf(call.attributes, "kernel_shape", []), size.length);
  const sliding = poolingOf({ name: call.key, attributes: call.attributes }, size);
  expectSliding(call, sliding, size.length);
  return [{ element, shape: [...shape.slice(0, 2), ...size.map((length, axis) => slidLength(length, sliding, axis))] }];
};

const globalPool: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  return [{ element, shape: shape.map((length, axis) => (axis < 2 ? length : 1)) }];
};

/** The maxima and, where they are asked for, where they were. */
const maxPool: ShapeRule = (call) => {
  const [pooled] = pool(call);
  return (call.outputs ?? 1) > 1 ? [pooled!, { element: "int64", shape: pooled!.shape }] : [pooled!];
};

/** Poolings. */
export const pooling: ShapeRules = {
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalLpPool: globalPool,
  GlobalMaxPool: globalPool,
  LpPool: pool,
  MaxPool: maxPool,
};
