import type { GraphBuilder, Value, ValueType } from "../../onnx/index.ts";
import { interleave, type Quarters } from "./convolution.ts";
import type { Layout } from "./layout.ts";
import { channelAffine, type Extra } from "./operators.ts";

/** A value of the portable graph as the lowered graph holds it. */
export interface Held {
  readonly layout: Layout;
  /** The type that it has in the portable graph; the lowered graph declares padded lengths. */
  readonly type: ValueType;
  /** The value in its layout; written when it is first asked for. */
  write(): Value;
  /** For a convolution not yet written: writes it with more done in the same pass, for its only reader. */
  readonly pending?: Pending;
  /** For an input gradient of stride 2: its quarter planes, not yet put together. */
  readonly quarters?: Quarters;
  /** For a gradient on its way to a convolution: the value is `scaled.value` times `scaled.gain` a channel. */
  readonly scaled?: { readonly value: Value; readonly gain: Value };
  /** For a vector over all parameters: its parts, by `places`. */
  readonly parts?: readonly Part[];
}

/** A convolution that is written when its reader is known. */
export interface Pending {
  write(extra: Extra): Value;
  /** Whether it can still add a sum, or an activation only. */
  readonly takesSum: boolean;
}

/** A part of a vector on its way through the update: `value` times `factor`. One without a value is `factor` throughout. */
export interface Part {
  readonly value?: Value;
  /** One number, or [B, 1, 1, 1] with the same number in all lanes. */
  readonly factor?: Value | undefined;
}

const once = (make: () => Value): (() => Value) => {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

/** The kinds of held values. */
export const hold = {
  value: (value: Value, layout: Layout, type: ValueType): Held => ({ layout, type, write: () => value }),
  pending: (pending: Pending, type: ValueType): Held => ({
    layout: "blocked",
    type,
    pending,
    write: once(() => pending.write({})),
  }),
  quarters: (
    g: GraphBuilder,
    quarters: Quarters,
    { type, block }: { readonly type: ValueType; readonly block: number },
  ): Held => ({
    layout: "blocked",
    type,
    quarters,
    write: once(() => interleave(g, quarters, block)),
  }),
  scaled: (g: GraphBuilder, scaled: { readonly value: Value; readonly gain: Value }, type: ValueType): Held => ({
    layout: "blocked",
    type,
    scaled,
    write: once(() => channelAffine(g, scaled.value, { scale: scaled.gain })),
  }),
  parts: (parts: readonly Part[], whole: () => Value, type: ValueType): Held => ({
    layout: "plain",
    type,
    parts,
    write: once(whole),
  }),
};
