import type { Shaped } from "../base/index.ts";

/** A vector of int64, for axes and shapes. */
export const int64Vector = (values: readonly number[]): Shaped<BigInt64Array> => ({
  data: BigInt64Array.from(values, BigInt),
  shape: [values.length],
});
