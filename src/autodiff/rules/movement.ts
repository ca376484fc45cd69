import {
  type GraphBuilder,
  int,
  intOf,
  ints,
  intsOf,
  staticShape,
  string,
  stringOf,
  type Value,
} from "../../onnx/index.ts";
import { formulas } from "./formulas.ts";
import { scatterAlong } from "./indexing.ts";
import {
  at,
  constantIntegers,
  type ForwardCall,
  type Gradient,
  type Gradients,
  reshapeLike,
  sumTo,
  zerosLike,
} from "./rule.ts";

/** dx is dy in the shape of x. */
const reshaped: Gradient = (g, { inputs }, dy) => [() => reshapeLike(g, dy, at(inputs, 0)), "none"];

const axisFrom = ({ node, inputs }: ForwardCall) => {
  const axis = intOf(node.attributes, "axis", 0);
  return axis < 0 ? axis + at(inputs, 0).type.shape.length : axis;
};

/** Zeros put before and after a value, axis by axis; a negative number takes away. */
function padded(
  g: GraphBuilder,
  value: Value,
  { before, after }: Record<"before" | "after", readonly number[]>,
): Value {
  const none = [...before, ...after].every((length) => length === 0);
  return none ? value : g.node("Pad", [value, g.axes([...before, ...after])]);
}

const concat: Gradient = (g, call, dy) => {
  const axis = axisFrom(call);
  let end = 0;
  return call.inputs.map((_, index) => {
    const start = end;
    end += staticShape(at(call.inputs, index).type)[axis]!;
    const stop = end;
    return () => g.node("Slice", [dy, g.axes([start]), g.axes([stop]), g.axes([axis])]);
  });
};

const split: Gradient = (g, call, _, dys) => {
  const parts = () => call.outputs.map((_, index) => dys[index] ?? zerosLike(g, at(call.outputs, index)));
  return [() => g.node("Concat", parts(), { axis: int(axisFrom(call)) }), "none"];
};

// dx is 0 but where the slice was taken: dy turned around for a negative step, spread for a step beyond 1, and padded.
const slice: Gradient = (g, call, dy) => {
  const shape = staticShape(at(call.inputs, 0).type);
  const starts = constantIntegers(call, 1, "starts");
  const axes = call.inputs[3] === undefined ? starts.map((_, axis) => axis) : constantIntegers(call, 3, "axes");
  const steps = call.inputs[4] === undefined ? starts.map(() => 1) : constantIntegers(call, 4, "steps");
  const back = () => {
    let gradient = dy;
    axes.forEach((given, index) => {
      const axis = given < 0 ? given + shape.length : given;
      const [size, step, start] = [shape[axis]!, steps[index]!, starts[index]!];
      const taken = staticShape(gradient.type);
      const count = taken[axis]!;
      const from = Math.min(Math.max(start < 0 ? start + size : start, 0), step > 0 ? size : size - 1);
      if (step < 0) gradient = reversed(g, gradient, axis);
      const first = step < 0 ? from + (count - 1) * step : from;
      const pitch = Math.abs(step);
      if (pitch > 1) gradient = spaced(g, gradient, { axis, pitch });
      const zeros = taken.map(() => 0);
      const after = zeros.with(axis, size - first - count * pitch);
      gradient = padded(g, gradient, { before: zeros.with(axis, first), after });
    });
    return gradient;
  };
  return [back, "none", "none", "none", "none"];
};

const reversed = (g: GraphBuilder, value: Value, axis: number) =>
  g.node("Slice", [value, g.axes([-1]), g.axes([-Number.MAX_SAFE_INTEGER]), g.axes([axis]), g.axes([-1])]);

/** Each element along an axis followed by pitch − 1 zeros. */
function spaced(g: GraphBuilder, value: Value, { axis, pitch }: { axis: number; pitch: number }): Value {
  const shape = staticShape(value.type);
  const apart = g.node("Reshape", [value, g.axes(shape.toSpliced(axis + 1, 0, 1))]);
  const zeros = apart.type.shape.map(() => 0);
  const filled = padded(g, apart, { before: zeros, after: zeros.with(axis + 1, pitch - 1) });
  return g.node("Reshape", [filled, g.axes(shape.with(axis, shape[axis]! * pitch))]);
}

/** Which element of an axis each place of the padded axis shows, by mode. */
const padSources: Readonly<Record<string, (place: number, length: number) => number>> = {
  edge: (place, length) => Math.min(Math.max(place, 0), length - 1),
  reflect: (place, length) => {
    const period = Math.max(1, 2 * (length - 1));
    const within = ((place % period) + period) % period;
    return within < length ? within : period - within;
  },
  wrap: (place, length) => ((place % length) + length) % length,
};

// What was padded with a constant is cut off; what shows an element again flows back to it.
const pad: Gradient = (g, call, dy) => {
  const shape = staticShape(at(call.inputs, 0).type);
  const given = constantIntegers(call, 1, "pads");
  const named = call.inputs[3] === undefined ? undefined : constantIntegers(call, 3, "axes");
  const axes = (named ?? shape.map((_, axis) => axis)).map((axis) => (axis < 0 ? axis + shape.length : axis));
  const [before, after] = [shape.map(() => 0), shape.map(() => 0)];
  axes.forEach((axis, index) => {
    [before[axis], after[axis]] = [given[index]!, given[index + axes.length]!];
  });
  const source = padSources[stringOf(call.node.attributes, "mode", "constant")];
  const minus = (lengths: readonly number[]) => lengths.map((length) => 0 - length);
  const cut = () => padded(g, dy, { before: minus(before), after: minus(after) });
  if (source === undefined) {
    const total = (value: Value) => g.node("ReduceSum", [value], { keepdims: int(0) });
    const fill = call.inputs[2];
    const outside = () => formulas(g).sub(total(dy), total(cut()));
    return [cut, "none", fill === undefined ? "none" : () => reshapeLike(g, outside(), fill), "none"];
  }
  const fold = () => {
    let gradient = dy;
    shape.forEach((size, axis) => {
      if (before[axis] === 0 && after[axis] === 0) return;
      const places = Array.from({ length: before[axis]! + size + after[axis]! }, (_, i) => i - before[axis]!);
      gradient = scatterAlong(g, gradient, { axis, indices: g.axes(places.map((place) => source(place, size))), size });
    });
    return gradient;
  };
  return [fold, "none", "none", "none"];
};

const transpose: Gradient = (g, { node, inputs }, dy) => {
  const rank = at(inputs, 0).type.shape.length;
  const order = intsOf(
    node.attributes,
    "perm",
    Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
  );
  return [() => g.node("Transpose", [dy], { perm: ints(order.map((_, axis) => order.indexOf(axis))) })];
};

// dx is the sum of the tiles: y [r0·d0, r1·d1, …] read as [r0, d0, r1, d1, …]
const tile: Gradient = (g, { inputs, outputs }, dy) => {
  const [shape, tiled] = [staticShape(at(inputs, 0).type), staticShape(at(outputs, 0).type)];
  const apart = shape.flatMap((length, axis) => [tiled[axis]! / length, length]);
  const axes = g.axes(shape.map((_, axis) => 2 * axis));
  return [() => g.node("ReduceSum", [g.node("Reshape", [dy, g.axes(apart)]), axes], { keepdims: int(0) }), "none"];
};

/** Between floats dy changes its type back; nothing flows through integers. */
const cast: Gradient = (g, { inputs }, dy) => {
  const x = at(inputs, 0);
  return [x.type.element.startsWith("float") ? () => g.node("CastLike", [dy, x]) : "none", "none"];
};

// blocks of depth laid out in the plane: the other way is SpaceToDepth, whose channels count block first
const depthToSpace: Gradient = (g, { node, inputs }, dy) => {
  const b = intOf(node.attributes, "blocksize", 1);
  const [n = 0, channels = 0, height = 0, width = 0] = staticShape(at(inputs, 0).type);
  const blockFirst = () => g.node("SpaceToDepth", [dy], { blocksize: int(b) });
  if (stringOf(node.attributes, "mode", "DCR") === "DCR") return [blockFirst];
  const exchanged = () => {
    const apart = g.node("Reshape", [blockFirst(), g.axes([n, b * b, channels / (b * b), height, width])]);
    return reshapeLike(g, g.node("Transpose", [apart], { perm: ints([0, 2, 1, 3, 4]) }), at(inputs, 0));
  };
  return [exchanged];
};

/** Operators that move numbers and change none. */
export const movement: Gradients = {
  Cast: cast,
  CastLike: cast,
  Concat: concat,
  // y_i = Σ_{j ≤ i} x_j  dx_j = Σ_{i ≥ j} dy_i
  CumSum: (g, { node, inputs }, dy) => {
    const reverse = int(1 - intOf(node.attributes, "reverse", 0));
    return [() => g.node("CumSum", [dy, inputs[1]], { ...node.attributes, reverse }), "none"];
  },
  DepthToSpace: depthToSpace,
  Expand: (g, { inputs }, dy) => [() => sumTo(g, dy, at(inputs, 0)), "none"],
  Flatten: reshaped,
  Pad: pad,
  Reshape: reshaped,
  Slice: slice,
  SpaceToDepth: (g, { node }, dy) => [
    () => g.node("DepthToSpace", [dy], { blocksize: int(intOf(node.attributes, "blocksize", 1)), mode: string("DCR") }),
  ],
  Split: split,
  Squeeze: reshaped,
  Tile: tile,
  Transpose: transpose,
  // the same triangle
  Trilu: (g, { node, inputs }, dy) => [
    () => g.node("Trilu", inputs[1] === undefined ? [dy] : [dy, inputs[1]], node.attributes),
    "none",
  ],
  Unsqueeze: reshaped,
};
