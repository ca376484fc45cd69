import { resizedAxes } from "../resize.ts";
import { type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

const resize: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const [scales, sizes] = [2, 3].map((index) => {
    const value = call.inputs[index];
    const constant = value && call.constants.get(value.name);
    if (value !== undefined && constant === undefined)
      throw new Error(`${call.key}: input ${index} must be a constant`);
    return constant && Array.from(constant.data, Number);
  });
  // A named length keeps its name where it is not resized.
  const known = shape.map((length) => (typeof length === "number" ? length : 1));
  const axes = resizedAxes({ node: { name: call.key, attributes: call.attributes }, shape: known, scales, sizes });
  const lengths = shape.map((length, index) => {
    const { from, to } = axes[index]!;
    if (from === to) return length;
    if (typeof length === "string") throw new Error(`the length ${length} is not known before run time`);
    return to;
  });
  return [{ element, shape: lengths }];
};

/** Interpolation. */
export const resizing: ShapeRules = { Resize: resize };
