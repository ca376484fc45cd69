import type { ValueType } from "../graph.ts";
import { expectLength, type ShapeRule, type ShapeRules, typeAt } from "./rule.ts";

/** X [T, N, I], W [D, ·, I], R [D, ·, H] → Y [T, D, N, H] and the last state [D, N, H], so many times. */
const recurrent =
  (states: number): ShapeRule =>
  (call) => {
    const { element, shape } = typeAt(call, 0);
    expectLength(call, "the input's shape", shape, 3);
    const [directions, , hidden] = typeAt(call, 2).shape;
    const state: ValueType = { element, shape: [directions!, shape[1]!, hidden!] };
    return [{ element, shape: [shape[0]!, ...state.shape] }, ...Array.from({ length: states }, () => state)];
  };

/** Recurrent operators. */
export const recurrences: ShapeRules = {
  GRU: recurrent(1),
  LSTM: recurrent(2),
  RNN: recurrent(1),
};
