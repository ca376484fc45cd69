import { intOf, intsOf } from "../attributes.ts";
import { elementOfCode } from "./elements.ts";
import { type Call, type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

/** The element type that `dtype` names, or another where it is left out. */
const wanted = (call: Call, otherwise: () => ReturnType<typeof elementOfCode>) => {
  const code = intOf(call.attributes, "dtype", 0);
  return code === 0 ? otherwise() : elementOfCode(call.key, code);
};

/** Shape of the first input, and its element type unless `dtype` names another. */
const like: ShapeRule = (call) => [
  { element: wanted(call, () => typeAt(call, 0).element), shape: typeAt(call, 0).shape },
];

/** Shape from the attribute `shape`. */
const given: ShapeRule = (call) => [
  { element: wanted(call, () => "float32"), shape: intsOf(call.attributes, "shape", []) },
];

/** Operators that make numbers from nothing or by chance. */
export const generation: ShapeRules = {
  Bernoulli: like,
  EyeLike: like,
  RandomNormal: given,
  RandomNormalLike: like,
  RandomUniform: given,
  RandomUniformLike: like,
};
