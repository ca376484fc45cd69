import { type Shaped, shaped, sizeOf } from "../../base/index.ts";
import { intOf, intsOf, stringOf } from "../attributes.ts";
import {
  arrayAt,
  axisOf,
  broadcast,
  type Evaluation,
  type EvaluationCall,
  type Evaluations,
  integersAt,
  numberAt,
  offsetOf,
  pick,
  placesOf,
  setNumber,
  stretchedFrom,
  stridesOf,
} from "./evaluation.ts";

/** An attribute that names an axis, counted from the front. */
const axisFrom = ({ node }: EvaluationCall, fallback: number, rank: number) =>
  axisOf(intOf(node.attributes, "axis", fallback), rank);

const reshaped = ({ data }: Shaped, shape: readonly number[]) => [shaped(data, shape)];

const reshape: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const allowZero = intOf(call.node.attributes, "allowzero", 0) === 1;
  const wanted = integersAt(call, 1)!.map((length, axis) => (length === 0 && !allowZero ? x.shape[axis]! : length));
  const rest = sizeOf(wanted.filter((length) => length !== -1));
  return reshaped(
    x,
    wanted.map((length) => (length === -1 ? x.data.length / rest : length)),
  );
};

const flatten: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const axis = axisFrom(call, 1, x.shape.length);
  return reshaped(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
};

const squeeze: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const axes = integersAt(call, 1)?.map((axis) => axisOf(axis, x.shape.length));
  return reshaped(
    x,
    x.shape.filter((length, axis) => (axes === undefined ? length !== 1 : !axes.includes(axis))),
  );
};

const unsqueeze: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const given = integersAt(call, 1)!;
  const rank = x.shape.length + given.length;
  const axes = given.map((axis) => axisOf(axis, rank));
  const rest = [...x.shape];
  return reshaped(
    x,
    Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!)),
  );
};

const transpose: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const order = intsOf(
    call.node.attributes,
    "perm",
    x.shape.map((_, axis) => x.shape.length - 1 - axis),
  );
  const shape = order.map((axis) => x.shape[axis]!);
  return [pick(x, shape, (place) => x.shape.map((_, axis) => place[order.indexOf(axis)]!))];
};

const expand: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  return [pick(x, broadcast([x.shape, integersAt(call, 1)!]), (place) => stretchedFrom(place, x.shape))];
};

const tile: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const shape = x.shape.map((length, axis) => length * integersAt(call, 1)![axis]!);
  return [pick(x, shape, (place) => place.map((at, axis) => at % x.shape[axis]!))];
};

const concat: Evaluation = (call) => {
  const arrays = call.inputs.map((_, index) => arrayAt(call, index));
  const [first] = arrays;
  const axis = axisFrom(call, 0, first!.shape.length);
  const joined = first!.shape.with(
    axis,
    arrays.reduce((sum, { shape }) => sum + shape[axis]!, 0),
  );
  const result = pick(first!, joined, () => undefined);
  const strides = stridesOf(joined);
  let start = 0;
  for (const { data, shape } of arrays) {
    let index = 0;
    for (const place of placesOf(shape)) {
      result.data[offsetOf(place.with(axis, place[axis]! + start), strides)] = data[index++]!;
    }
    start += shape[axis]!;
  }
  return [result];
};

const split: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const axis = axisFrom(call, 0, x.shape.length);
  const parts = call.node.outputs.length;
  const even = Math.ceil(x.shape[axis]! / parts); // from opset 18 on the last part may be shorter
  const lengths =
    integersAt(call, 1) ?? Array.from({ length: parts }, (_, i) => Math.min(even, x.shape[axis]! - i * even));
  return lengths.map((length, i) => {
    const start = lengths.slice(0, i).reduce((sum, one) => sum + one, 0);
    return pick(x, x.shape.with(axis, length), (place) => place.with(axis, place[axis]! + start));
  });
};

const slice: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const [starts, ends] = [integersAt(call, 1)!, integersAt(call, 2)!];
  const axes = (integersAt(call, 3) ?? starts.map((_, axis) => axis)).map((axis) => axisOf(axis, x.shape.length));
  const steps = integersAt(call, 4) ?? starts.map(() => 1);
  const [first, length, step] = [x.shape.map(() => 0), [...x.shape], x.shape.map(() => 1)];
  axes.forEach((axis, i) => {
    const size = x.shape[axis]!;
    const within = (end: number, low: number, high: number) =>
      Math.min(Math.max(end < 0 ? end + size : end, low), high);
    const by = steps[i]!;
    const [start, end] =
      by > 0
        ? [within(starts[i]!, 0, size), within(ends[i]!, 0, size)]
        : [within(starts[i]!, 0, size - 1), within(ends[i]!, -1, size - 1)];
    [first[axis], step[axis], length[axis]] = [start, by, Math.max(0, Math.ceil((end - start) / by))];
  });
  return [pick(x, length, (place) => place.map((at, axis) => first[axis]! + at * step[axis]!))];
};

/** Where the place that lies `at` beyond an axis of a length is read from; undefined is the constant. */
const padSources: Readonly<Record<string, (at: number, length: number) => number | undefined>> = {
  constant: (at, length) => (at >= 0 && at < length ? at : undefined),
  edge: (at, length) => Math.min(Math.max(at, 0), length - 1),
  reflect: (at, length) => {
    const period = Math.max(1, 2 * (length - 1));
    const within = ((at % period) + period) % period;
    return within < length ? within : period - within;
  },
  wrap: (at, length) => ((at % length) + length) % length,
};

const pad: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const rank = x.shape.length;
  const mode = stringOf(call.node.attributes, "mode", "constant");
  const source = padSources[mode];
  if (source === undefined) throw new Error(`${call.node.name}: no Pad mode is called ${mode}`);
  const given = integersAt(call, 1)!;
  const axes = (integersAt(call, 3) ?? x.shape.map((_, axis) => axis)).map((axis) => axisOf(axis, rank));
  const [before, after] = [x.shape.map(() => 0), x.shape.map(() => 0)];
  axes.forEach((axis, i) => {
    [before[axis], after[axis]] = [given[i]!, given[i + axes.length]!];
  });
  const shape = x.shape.map((length, axis) => before[axis]! + length + after[axis]!);
  const sources = (place: readonly number[]) =>
    place.map((at, axis) => source(at - before[axis]!, x.shape[axis]!)) as readonly number[];
  const padded = pick(x, shape, (place) => {
    const from = sources(place);
    return from.includes(undefined as never) ? undefined : from;
  });
  const fill = Number(call.inputs[2]?.data[0] ?? 0);
  let index = 0;
  for (const place of placesOf(shape)) {
    if (fill !== 0 && sources(place).includes(undefined as never)) setNumber(padded.data, index, fill);
    index++;
  }
  return [padded];
};

// y[n, c, h·b + i, w·b + j] = x[n, (i·b + j)·C + c, h, w], in mode CRD x[n, (c·b + i)·b + j, h, w]
const depthToSpace: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const b = intOf(call.node.attributes, "blocksize", 1);
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const deep = channels / (b * b);
  const columnFirst = stringOf(call.node.attributes, "mode", "DCR") === "CRD";
  return [
    pick(x, [n, deep, height * b, width * b], (place) => {
      const [at, c, row, column] = place as readonly [number, number, number, number];
      const inner = (row % b) * b + (column % b);
      const channel = columnFirst ? c * b * b + inner : inner * deep + c;
      return [at, channel, Math.floor(row / b), Math.floor(column / b)];
    }),
  ];
};

const spaceToDepth: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const b = intOf(call.node.attributes, "blocksize", 1);
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  return [
    pick(x, [n, channels * b * b, height / b, width / b], (place) => {
      const [at, c, row, column] = place as readonly [number, number, number, number];
      const inner = Math.floor(c / channels);
      return [at, c % channels, row * b + Math.floor(inner / b), column * b + (inner % b)];
    }),
  ];
};

// the upper or lower triangle of the last two axes, from the k-th diagonal on
const trilu: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const [upper, k] = [intOf(call.node.attributes, "upper", 1) === 1, numberAt(call, 1, 0)];
  const kept = (place: readonly number[]) => {
    const beyond = place.at(-1)! - place.at(-2)! - k;
    return upper ? beyond >= 0 : beyond <= 0;
  };
  return [pick(x, x.shape, (place) => (kept(place) ? place : undefined))];
};

/** Operators that move numbers and change none. */
export const movement: Evaluations = {
  Concat: concat,
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: flatten,
  Pad: pad,
  Reshape: reshape,
  Slice: slice,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Trilu: trilu,
  Unsqueeze: unsqueeze,
};
