import { type Shaped, shaped, sizeOf } from "../../base/index.ts";
import { type Pooling, poolingOf, slidLength, windowSizes } from "../sliding.ts";
import { arrayAt, type Evaluation, type Evaluations, int64s, offsetOf, placesOf, stridesOf } from "./evaluation.ts";

/** The places of x [N, C, …] under a window, in scan order, as offsets into x; what lies in the pads is left out. */
function* windows({ shape }: Shaped, { kernel, strides, pads, dilations }: Pooling, output: readonly number[]) {
  const memory = stridesOf(shape);
  for (const [n, c, ...place] of placesOf(output)) {
    const found: number[] = [];
    for (const tap of placesOf(kernel)) {
      const from = place.map((p, axis) => p * strides[axis]! + tap[axis]! * dilations[axis]! - pads[axis]!);
      if (from.every((at, axis) => at >= 0 && at < shape[axis + 2]!)) found.push(offsetOf([n!, c!, ...from], memory));
    }
    yield found;
  }
}

const pooled = (shape: readonly number[], pooling: Pooling) =>
  shape.map((length, axis) => (axis < 2 ? length : slidLength(length, pooling, axis - 2)));

// y = the largest number under the window; beside it the place where the first such stands, in x flattened
const maxPool: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const pooling = poolingOf(call.node, x.shape.slice(2));
  const shape = pooled(x.shape, pooling);
  const places = Array.from(windows(x, pooling, shape), (found) =>
    found.reduce((best, one) => (x.data[one]! > x.data[best]! ? one : best)),
  );
  return [
    shaped(
      Float64Array.from(places, (place) => Number(x.data[place])),
      shape,
    ),
    int64s(places, shape),
  ];
};

// y = the mean of the numbers under the window, pads counted as zeros where count_include_pad says so
const averagePool: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const pooling = poolingOf(call.node, x.shape.slice(2));
  const shape = pooled(x.shape, pooling);
  const sizes = windowSizes(call.node, x.shape.slice(2));
  const sums = Array.from(windows(x, pooling, shape), (found) =>
    found.reduce((total, one) => total + Number(x.data[one]), 0),
  );
  return [
    shaped(
      Float64Array.from(sums, (sum, index) => sum / sizes[index % sizes.length]!),
      shape,
    ),
  ];
};

/** A number for every plane of x [N, C, …]. */
const ofPlanes =
  (reduce: (plane: readonly number[]) => number): Evaluation =>
  (call) => {
    const { data, shape } = arrayAt(call, 0);
    const area = sizeOf(shape.slice(2));
    const plane = (index: number) => Array.from(data.slice(index * area, (index + 1) * area), Number);
    return [
      shaped(
        Float64Array.from({ length: data.length / area }, (_, index) => reduce(plane(index))),
        shape.map((length, axis) => (axis < 2 ? length : 1)),
      ),
    ];
  };

/** Poolings. */
export const pooling: Evaluations = {
  AveragePool: averagePool,
  GlobalAveragePool: ofPlanes((plane) => plane.reduce((sum, x) => sum + x, 0) / plane.length),
  GlobalMaxPool: ofPlanes((plane) => plane.reduce((most, x) => Math.max(most, x))),
  MaxPool: maxPool,
};
