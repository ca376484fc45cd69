import { shaped } from "../../base/index.ts";
import { intOf } from "../attributes.ts";
import {
  arrayAt,
  axisOf,
  type Evaluation,
  type Evaluations,
  int64s,
  integersAt,
  numbersLike,
  offsetOf,
  placesOf,
  stridesOf,
} from "./evaluation.ts";

type Reduce = (numbers: readonly number[]) => number;

const sum: Reduce = (numbers) => numbers.reduce((total, x) => total + x, 0);
const reductions: Readonly<Record<string, Reduce>> = {
  ReduceL1: (numbers) => sum(numbers.map(Math.abs)),
  ReduceL2: (numbers) => Math.sqrt(sum(numbers.map((x) => x * x))),
  ReduceLogSum: (numbers) => Math.log(sum(numbers)),
  ReduceLogSumExp: (numbers) => {
    const top = Math.max(...numbers);
    return top + Math.log(sum(numbers.map((x) => Math.exp(x - top))));
  },
  ReduceMax: (numbers) => Math.max(...numbers),
  ReduceMean: (numbers) => sum(numbers) / numbers.length,
  ReduceMin: (numbers) => Math.min(...numbers),
  ReduceProd: (numbers) => numbers.reduce((product, x) => product * x, 1),
  ReduceSum: sum,
  ReduceSumSquare: (numbers) => sum(numbers.map((x) => x * x)),
};

const reduced =
  (reduce: Reduce): Evaluation =>
  (call) => {
    const x = arrayAt(call, 0);
    const given = integersAt(call, 1) ?? [];
    // Without a reduction each number still goes through f on its own: |x| for ReduceL1, x² for ReduceSumSquare.
    const none = intOf(call.node.attributes, "noop_with_empty_axes", 0) === 1;
    const every = none ? [] : x.shape.map((_, axis) => axis);
    const axes = given.length === 0 ? every : given.map((axis) => axisOf(axis, x.shape.length));
    const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const strides = stridesOf(kept);
    const groups: number[][] = Array.from({ length: kept.reduce((a, b) => a * b, 1) }, () => []);
    let index = 0;
    for (const place of placesOf(x.shape)) {
      const at = place.map((one, axis) => (axes.includes(axis) ? 0 : one));
      groups[offsetOf(at, strides)]!.push(Number(x.data[index++]));
    }
    const shape =
      intOf(call.node.attributes, "keepdims", 1) === 1 ? kept : kept.filter((_, axis) => !axes.includes(axis));
    return [numbersLike(x.data, groups.map(reduce), shape)];
  };

/** f over each line of numbers along an axis; the line keeps its length. */
const alongAxis =
  (f: (line: readonly number[]) => readonly number[]): Evaluation =>
  (call) => {
    const x = arrayAt(call, 0);
    const axis = axisOf(intOf(call.node.attributes, "axis", -1), x.shape.length);
    const [strides, values] = [stridesOf(x.shape), new Float64Array(x.data.length)];
    for (const place of placesOf(x.shape.with(axis, 1))) {
      const offsets = Array.from({ length: x.shape[axis]! }, (_, i) => offsetOf(place.with(axis, i), strides));
      f(offsets.map((offset) => Number(x.data[offset]))).forEach((value, i) => {
        values[offsets[i]!] = value;
      });
    }
    return [shaped(values, x.shape)];
  };

const logSoftmax = (line: readonly number[]) => {
  const total = reductions["ReduceLogSumExp"]!(line);
  return line.map((x) => x - total);
};

/** The index of the best number along an axis: the first one, or the last where `select_last_index` is set. */
const argBest =
  (better: (a: number, b: number) => boolean): Evaluation =>
  (call) => {
    const x = arrayAt(call, 0);
    const axis = axisOf(intOf(call.node.attributes, "axis", 0), x.shape.length);
    const last = intOf(call.node.attributes, "select_last_index", 0) === 1;
    const strides = stridesOf(x.shape);
    const kept = x.shape.with(axis, 1);
    const found: number[] = [];
    for (const place of placesOf(kept)) {
      const line = Array.from({ length: x.shape[axis]! }, (_, i) =>
        Number(x.data[offsetOf(place.with(axis, i), strides)]),
      );
      found.push(
        line.reduce((best, value, i) => (better(value, line[best]!) || (last && value === line[best]) ? i : best), 0),
      );
    }
    const keep = intOf(call.node.attributes, "keepdims", 1) === 1;
    return [int64s(found, keep ? kept : kept.filter((_, at) => at !== axis))];
  };

/** Operators that gather the numbers of an axis into one, or weigh them against each other. */
export const reduction: Evaluations = {
  ...Object.fromEntries(Object.entries(reductions).map(([op, reduce]) => [op, reduced(reduce)])),
  ArgMax: argBest((a, b) => a > b),
  ArgMin: argBest((a, b) => a < b),
  LogSoftmax: alongAxis(logSoftmax),
  LpNormalization: (call) => {
    const norm = reductions[intOf(call.node.attributes, "p", 2) === 1 ? "ReduceL1" : "ReduceL2"]!;
    return alongAxis((line) => line.map((x) => x / norm(line)))(call);
  },
  Softmax: alongAxis((line) => logSoftmax(line).map(Math.exp)),
};
