import { intOf } from "../attributes.ts";
import { slidingOf, slidLength, spreadingOf } from "../sliding.ts";
import { type Call, expectLength, expectSliding, lengthOf, type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

const nodeOf = ({ key, attributes }: Call) => ({ name: key, attributes });

const conv: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const weights = typeAt(call, 1).shape.map(lengthOf);
  const group = intOf(call.attributes, "group", 1);
  if (shape[1] !== weights[1]! * group) {
    throw new Error(`Conv: ${shape[1]} input channels do not fit weights [${weights}] in ${group} groups`);
  }
  expectLength(call, "the weights' shape", weights, shape.length);
  const size = shape.slice(2).map(lengthOf);
  const sliding = slidingOf(nodeOf(call), weights.slice(2), size);
  expectSliding(call, sliding, size.length);
  const slid = size.map((length, axis) => slidLength(length, sliding, axis));
  return [{ element, shape: [shape[0]!, weights[0]!, ...slid] }];
};

const convTranspose: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const weights = typeAt(call, 1).shape.map(lengthOf);
  if (shape[1] !== weights[0]) {
    throw new Error(`ConvTranspose: ${shape[1]} input channels do not fit weights [${weights}]`);
  }
  expectLength(call, "the weights' shape", weights, shape.length);
  const { size, ...spreading } = spreadingOf(nodeOf(call), weights.slice(2), shape.slice(2).map(lengthOf));
  expectSliding(call, spreading, size.length);
  return [{ element, shape: [shape[0]!, weights[1]! * intOf(call.attributes, "group", 1), ...size] }];
};

/** Convolutions. */
export const convolution: ShapeRules = { Conv: conv, ConvTranspose: convTranspose };
