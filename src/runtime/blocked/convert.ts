import { type GraphBuilder, staticShape, type Value, type ValueType } from "../../onnx/index.ts";
import { heldShape, type Layout } from "./layout.ts";
import { cutAxis, dims, padAxis, toPlain, transpose, view } from "./operators.ts";

/** A value of another layout as a plain one of the given type, without its padding. */
export function fromLayout(
  g: GraphBuilder,
  value: Value,
  { layout, type, block }: { readonly layout: Layout; readonly type: ValueType; readonly block: number },
): Value {
  const shape = staticShape(type);
  if (layout === "plain") return value;
  if (layout === "blocked") return toPlain(g, value, shape[1]!);
  if (layout === "channels") return cut(g, value, shape);
  const [outputs = 1, inputs = 1, ...kernel] = dims(value);
  const taps = kernel.reduce((product, length) => product * length, 1);
  const [axes, order] =
    layout === "filter"
      ? [
          [outputs / block, inputs / block, taps, block, block],
          [0, 4, 1, 3, 2],
        ]
      : [
          [outputs / block, inputs * taps, block],
          [0, 2, 1],
        ];
  return cut(g, view(g, transpose(g, view(g, value, axes), order), dims(value)), shape);
}

/** A plain vector or filter in another layout, padded with zeros. */
export function toLayout(
  g: GraphBuilder,
  plain: Value,
  { layout, block }: { readonly layout: Exclude<Layout, "blocked">; readonly block: number },
): Value {
  const shape = heldShape(dims(plain), layout, block);
  const padded = shape.reduce(
    (value, length, axis) => (dims(value)[axis] === length ? value : padAxis(g, value, { axis, length })),
    plain,
  );
  if (layout === "plain" || layout === "channels") return padded;
  const [outputs = 1, inputs = 1, ...kernel] = shape;
  const taps = kernel.reduce((product, length) => product * length, 1);
  const [axes, order] =
    layout === "filter"
      ? [
          [outputs / block, block, inputs / block, block, taps],
          [0, 2, 4, 3, 1],
        ]
      : [
          [outputs / block, block, inputs * taps],
          [0, 2, 1],
        ];
  return view(g, transpose(g, view(g, padded, axes), order), shape);
}

const cut = (g: GraphBuilder, value: Value, shape: readonly number[]): Value =>
  shape.reduce((now, length, axis) => (dims(now)[axis] === length ? now : cutAxis(g, now, { axis, length })), value);
