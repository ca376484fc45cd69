import { type Shaped, sizeOf } from "../../base/index.ts";
import { intOf, stringOf } from "../attributes.ts";
import {
  arrayAt,
  axisOf,
  type Evaluation,
  type EvaluationCall,
  type Evaluations,
  numbersLike,
  offsetOf,
  pick,
  placesOf,
  setNumber,
  stridesOf,
} from "./evaluation.ts";

const axisFrom = ({ node }: EvaluationCall, rank: number) => axisOf(intOf(node.attributes, "axis", 0), rank);

/** An index counted from the front. */
const indexAt = ({ data }: Shaped, offset: number, length: number) => axisOf(Number(data[offset]), length);

// y[.., i, ..] = x[.., indices[i], ..]
const gather: Evaluation = (call) => {
  const [x, indices] = [arrayAt(call, 0), arrayAt(call, 1)];
  const axis = axisFrom(call, x.shape.length);
  const [rank, strides] = [indices.shape.length, stridesOf(indices.shape)];
  return [
    pick(x, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], (place) => [
      ...place.slice(0, axis),
      indexAt(indices, offsetOf(place.slice(axis, axis + rank), strides), x.shape[axis]!),
      ...place.slice(axis + rank),
    ]),
  ];
};

// y[i, j] = x[indices[i, j], j] along axis 0
const gatherElements: Evaluation = (call) => {
  const [x, indices] = [arrayAt(call, 0), arrayAt(call, 1)];
  const axis = axisFrom(call, x.shape.length);
  const strides = stridesOf(indices.shape);
  return [
    pick(x, indices.shape, (place) => place.with(axis, indexAt(indices, offsetOf(place, strides), x.shape[axis]!))),
  ];
};

/** The place that the last axis of `indices` names, from the indices' place without it. */
const named = (x: Shaped, indices: Shaped, { lead, skip }: { lead: readonly number[]; skip: number }) => {
  const depth = indices.shape.at(-1)!;
  const start = offsetOf([...lead, 0], stridesOf(indices.shape));
  return Array.from({ length: depth }, (_, i) => indexAt(indices, start + i, x.shape[skip + i]!));
};

// y[b, i, ..] = x[b, indices[b, i, :], ..] with `batch_dims` axes b in common
const gatherNd: Evaluation = (call) => {
  const [x, indices] = [arrayAt(call, 0), arrayAt(call, 1)];
  const skip = intOf(call.node.attributes, "batch_dims", 0);
  const lead = indices.shape.length - 1;
  const rest = x.shape.slice(skip + indices.shape.at(-1)!);
  return [
    pick(x, [...indices.shape.slice(0, -1), ...rest], (place) => [
      ...place.slice(0, skip),
      ...named(x, indices, { lead: place.slice(0, lead), skip }),
      ...place.slice(lead),
    ]),
  ];
};

const combine: Readonly<Record<string, (old: number, update: number) => number>> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: (old, update) => Math.max(old, update),
  min: (old, update) => Math.min(old, update),
};

/** x with updates written, added, … at places. */
function scatter(call: EvaluationCall, target: (place: readonly number[]) => readonly number[]): Shaped {
  const [x, updates] = [arrayAt(call, 0), arrayAt(call, 2)];
  const joined = combine[stringOf(call.node.attributes, "reduction", "none")]!;
  const [data, strides] = [x.data.slice(), stridesOf(x.shape)];
  let index = 0;
  for (const place of placesOf(updates.shape)) {
    const offset = offsetOf(target(place), strides);
    setNumber(data, offset, joined(Number(data[offset]), Number(updates.data[index++])));
  }
  return { data, shape: x.shape };
}

const scatterElements: Evaluation = (call) => {
  const [x, indices] = [arrayAt(call, 0), arrayAt(call, 1)];
  const axis = axisFrom(call, x.shape.length);
  const strides = stridesOf(indices.shape);
  return [scatter(call, (place) => place.with(axis, indexAt(indices, offsetOf(place, strides), x.shape[axis]!)))];
};

const scatterNd: Evaluation = (call) => {
  const [x, indices] = [arrayAt(call, 0), arrayAt(call, 1)];
  const lead = indices.shape.length - 1;
  return [
    scatter(call, (place) => [...named(x, indices, { lead: place.slice(0, lead), skip: 0 }), ...place.slice(lead)]),
  ];
};

// y[.., indices, ..] = on, elsewhere off
const oneHot: Evaluation = (call) => {
  const [indices, depth, values] = [arrayAt(call, 0), Number(arrayAt(call, 1).data[0]), arrayAt(call, 2)];
  const rank = indices.shape.length + 1;
  const axis = axisOf(intOf(call.node.attributes, "axis", -1), rank);
  const shape = indices.shape.toSpliced(axis, 0, depth);
  const strides = stridesOf(indices.shape);
  const [off, on] = Array.from(values.data, Number);
  const hot: number[] = [];
  for (const place of placesOf(shape)) {
    const wanted = indexAt(indices, offsetOf(place.toSpliced(axis, 1), strides), depth);
    hot.push(wanted === place[axis] ? on! : off!);
  }
  return [numbersLike(values.data, hot, shape)];
};

// the k largest (or smallest) along an axis, the best first; of equal ones the first counts as better
const topK: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const { attributes } = call.node;
  const axis = axisOf(intOf(attributes, "axis", -1), x.shape.length);
  const sign = intOf(attributes, "largest", 1) === 1 ? 1 : -1;
  const shape = x.shape.with(axis, Number(arrayAt(call, 1).data[0]));
  const [strides, target] = [stridesOf(x.shape), stridesOf(shape)];
  const indices = new BigInt64Array(sizeOf(shape));
  for (const place of placesOf(x.shape.with(axis, 1))) {
    const line = Array.from({ length: x.shape[axis]! }, (_, i) =>
      Number(x.data[offsetOf(place.with(axis, i), strides)]),
    );
    const order = line.map((_, i) => i).sort((a, b) => sign * (line[b]! - line[a]!) || a - b);
    for (let i = 0; i < shape[axis]!; i++) indices[offsetOf(place.with(axis, i), target)] = BigInt(order[i]!);
  }
  const values = pick(x, shape, (place) => place.with(axis, Number(indices[offsetOf(place, target)])));
  return [values, { data: indices, shape }];
};

/** Operators that read or write at indices that are themselves numbers. */
export const indexing: Evaluations = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  OneHot: oneHot,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  TopK: topK,
};
