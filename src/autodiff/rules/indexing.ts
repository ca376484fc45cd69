import { shaped, sizeOf } from "../../base/index.ts";
import { type GraphBuilder, int, intOf, ints, staticShape, string, stringOf, type Value } from "../../onnx/index.ts";
import { at, type ForwardCall, type Gradient, type Gradients, zerosLike, zerosOf } from "./rule.ts";

const add = { reduction: string("add") };

/** Which places of an axis of some size a gradient belongs to. */
interface Along {
  readonly axis: number;
  /** int64, any shape; it stands in place of the axis in the gradient's shape. */
  readonly indices: Value;
  readonly size: number;
}

/** Adds up, along an axis, what belongs to the same index: the gradient of Gather. */
export function scatterAlong(g: GraphBuilder, gradient: Value, { axis, indices, size }: Along): Value {
  const rank = indices.type.shape.length;
  const places = gradient.type.shape.map((_, at) => at);
  const [before, middle, after] = [places.slice(0, axis), places.slice(axis, axis + rank), places.slice(axis + rank)];
  const front = [...middle, ...before, ...after];
  const lengths = staticShape(gradient.type);
  const rest = [...before, ...after].map((place) => lengths[place]!);
  const updates = axis === 0 ? gradient : g.node("Transpose", [gradient], { perm: ints(front) });
  const rows = g.node("Reshape", [indices, g.axes([...staticShape(indices.type), 1])]);
  const sums = g.node("ScatterND", [zerosOf(g, gradient, [size, ...rest]), rows, updates], add);
  // [size, before, after] → [before, size, after]
  const order = [...before.map((place) => place + 1), 0, ...after.map((_, i) => 1 + before.length + i)];
  return axis === 0 ? sums : g.node("Transpose", [sums], { perm: ints(order) });
}

const axisFrom = ({ node, inputs }: ForwardCall) => {
  const axis = intOf(node.attributes, "axis", 0);
  return axis < 0 ? axis + at(inputs, 0).type.shape.length : axis;
};

// y[b, i, ..] = x[b, indices[b, i, :], ..]: ScatterND knows no common axes b, so they become indices as well
const gatherNd: Gradient = (g, { node, inputs }, dy) => {
  const [x, indices] = [at(inputs, 0), at(inputs, 1)];
  const common = intOf(node.attributes, "batch_dims", 0);
  const whole = () =>
    common === 0 ? indices : g.node("Concat", [batchPlaces(g, indices, common), indices], { axis: int(-1) });
  return [() => g.node("ScatterND", [zerosLike(g, x), whole(), dy], add), "none"];
};

/** [.., common]: the first places of each row of indices [.., depth]. */
function batchPlaces(g: GraphBuilder, indices: Value, common: number): Value {
  const shape = staticShape(indices.type).slice(0, -1);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const places = Array.from({ length: sizeOf(shape) }, (_, row) =>
    strides.slice(0, common).map((stride, axis) => BigInt(Math.floor(row / stride) % shape[axis]!)),
  );
  return g.constant(shaped(BigInt64Array.from(places.flat()), [...shape, common]));
}

/** A scatter writes updates over x (x gets nothing there) or adds them to it; other reductions have no rule. */
const scatter =
  (read: string): Gradient =>
  (g, { node, inputs }, dy) => {
    const [indices, updates] = [at(inputs, 1), at(inputs, 2)];
    const reduction = stringOf(node.attributes, "reduction", "none");
    if (reduction !== "none" && reduction !== "add") {
      throw new Error(`${node.name}: no gradient of ${node.op} with reduction ${reduction}: use none or add`);
    }
    const { reduction: _, ...attributes } = node.attributes;
    return [
      () => (reduction === "add" ? dy : g.node(node.op, [dy, indices, zerosLike(g, updates)], attributes)),
      "none",
      () => g.node(read, [dy, indices], attributes),
    ];
  };

/** Operators that read or write at indices that are themselves numbers. Indices get no gradient. */
export const indexing: Gradients = {
  Gather: (g, call, dy) => {
    const [x, indices, axis] = [at(call.inputs, 0), at(call.inputs, 1), axisFrom(call)];
    return [() => scatterAlong(g, dy, { axis, indices, size: staticShape(x.type)[axis]! }), "none"];
  },
  GatherElements: (g, call, dy) => [
    () =>
      g.node("ScatterElements", [zerosLike(g, at(call.inputs, 0)), at(call.inputs, 1), dy], {
        axis: int(axisFrom(call)),
        ...add,
      }),
    "none",
  ],
  GatherND: gatherNd,
  ScatterElements: scatter("GatherElements"),
  ScatterND: scatter("GatherND"),
  // the values of the k best flow back to where they were
  TopK: (g, { node, inputs, outputs }, _, [dy]) => {
    const axis = int(intOf(node.attributes, "axis", -1));
    const back = (values: Value) =>
      g.node("ScatterElements", [zerosLike(g, at(inputs, 0)), at(outputs, 1), values], { axis });
    return [dy === undefined ? "none" : () => back(dy), "none"];
  },
};
