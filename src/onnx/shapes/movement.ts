import { intOf } from "../attributes.ts";
import { type Dimension, elementOf } from "../graph.ts";
import { elementOfCode } from "./elements.ts";
import {
  axesOf,
  axisOf,
  type Call,
  constantInts,
  expectLength,
  lengthOf,
  type ShapeRule,
  type ShapeRules,
  typeAt,
} from "./rule.ts";

/** Axes of an input that may be left out. */
const axesAt = (call: Call, index: number, rank: number) =>
  call.inputs[index] === undefined ? undefined : axesOf(call, constantInts(call, index), rank);

const squeeze: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const axes = axesAt(call, 1, shape.length);
  for (const axis of axes ?? []) {
    const length = shape[axis]!;
    if (typeof length === "number" && length !== 1) throw new Error(`Squeeze: axis ${axis} has the length ${length}`);
  }
  const gone = (length: Dimension, axis: number) => (axes === undefined ? length === 1 : axes.includes(axis));
  return [{ element, shape: shape.filter((length, axis) => !gone(length, axis)) }];
};

const unsqueeze: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const rank = shape.length + constantInts(call, 1).length;
  const rest = [...shape];
  const axes = axesAt(call, 1, rank)!;
  const stretched = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
  return [{ element, shape: stretched }];
};

const slice: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const [starts, ends] = [constantInts(call, 1), constantInts(call, 2)];
  const axes = axesAt(call, 3, shape.length) ?? starts.map((_, axis) => axisOf(call, axis, shape.length));
  const steps = call.inputs[4] === undefined ? starts.map(() => 1) : constantInts(call, 4);
  for (const [what, list] of Object.entries({ starts, ends, axes, steps }))
    expectLength(call, what, list, starts.length);
  if (steps.includes(0)) throw new Error("Slice: steps of 0 never end");
  const lengths = [...shape];
  axes.forEach((axis, index) => {
    const [size, step] = [lengthOf(shape[axis]!), steps[index]!];
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const within = (place: number, least: number) => Math.min(Math.max(place < 0 ? place + size : place, least), high);
    lengths[axis] = Math.max(0, Math.ceil((within(ends[index]!, low) - within(starts[index]!, 0)) / step));
  });
  return [{ element, shape: lengths }];
};

const pad: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const pads = constantInts(call, 1);
  const axes = axesAt(call, 3, shape.length) ?? shape.map((_, axis) => axis);
  expectLength(call, "pads", pads, 2 * axes.length);
  const lengths = [...shape];
  axes.forEach((axis, index) => {
    const more = pads[index]! + pads[index + axes.length]!;
    if (more !== 0) lengths[axis] = lengthOf(shape[axis]!) + more;
    if (Number(lengths[axis]) < 0) throw new Error(`Pad: less than nothing is left of axis ${axis}`);
  });
  return [{ element, shape: lengths }];
};

const tile: ShapeRule = (call) => {
  const { element, shape } = typeAt(call, 0);
  const repeats = constantInts(call, 1);
  expectLength(call, "repeats", repeats, shape.length);
  return [
    { element, shape: shape.map((length, axis) => (repeats[axis] === 1 ? length : lengthOf(length) * repeats[axis]!)) },
  ];
};

/** Depth to plane by a factor, or the other way by its inverse. */
const blocks =
  (direction: 1 | -1): ShapeRule =>
  (call) => {
    const { element, shape } = typeAt(call, 0);
    const factor = intOf(call.attributes, "blocksize", 1) ** direction;
    expectLength(call, "the input's shape", shape, 4);
    const [n, channels, height, width] = shape;
    const plane = [height!, width!].map((length) => lengthOf(length) * factor);
    const lengths = [lengthOf(channels!) / (factor * factor), ...plane];
    if (!lengths.every(Number.isInteger)) throw new Error(`${call.key}: [${shape}] is not whole in blocks`);
    return [{ element, shape: [n!, ...lengths] }];
  };

const cast: ShapeRule = (call) => [
  { element: elementOfCode(call.key, intOf(call.attributes, "to", 1)), shape: typeAt(call, 0).shape },
];

const constant: ShapeRule = ({ attributes }) => {
  const whole = attributes["value"];
  if (whole?.kind === "tensor") {
    return [{ element: whole.element ?? elementOf(whole.value.data), shape: whole.value.shape }];
  }
  const [name, value] = Object.entries(attributes)[0] ?? [];
  const shape = value?.kind === "ints" || value?.kind === "floats" ? [value.value.length] : [];
  return [{ element: name?.startsWith("value_int") ? "int64" : "float32", shape }];
};

const constantOfShape: ShapeRule = (call) => {
  const filling = call.attributes["value"];
  const element = filling?.kind === "tensor" ? (filling.element ?? elementOf(filling.value.data)) : "float32";
  return [{ element, shape: constantInts(call, 0) }];
};

const range: ShapeRule = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((index) => constantInts(call, index)[0]!);
  if (delta === 0) throw new Error("Range: steps of 0 never end");
  return [{ element: typeAt(call, 0).element, shape: [Math.max(0, Math.ceil((limit! - start!) / delta!))] }];
};

const shapeOf: ShapeRule = (call) => {
  const { shape } = typeAt(call, 0);
  const part = shape.slice(intOf(call.attributes, "start", 0), intOf(call.attributes, "end", shape.length));
  return [{ element: "int64", shape: [part.length] }];
};

/** Operators that move numbers, make them from nothing, or change their type. */
export const movement: ShapeRules = {
  Cast: cast,
  CastLike: (call) => [{ element: typeAt(call, 1).element, shape: typeAt(call, 0).shape }],
  Constant: constant,
  ConstantOfShape: constantOfShape,
  DepthToSpace: blocks(1),
  Pad: pad,
  Range: range,
  Shape: shapeOf,
  Size: () => [{ element: "int64", shape: [] }],
  Slice: slice,
  SpaceToDepth: blocks(-1),
  Squeeze: squeeze,
  Tile: tile,
  Unsqueeze: unsqueeze,
};
