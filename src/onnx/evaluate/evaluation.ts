import { type Shaped, shaped, sizeOf, type TensorData } from "../../base/index.ts";
import type { Node } from "../graph.ts";

/** A node with the numbers that go into it. */
export interface EvaluationCall {
  readonly node: Node;
  /** By the operator's positions; an optional input that is left out is undefined. */
  readonly inputs: readonly (Shaped | undefined)[];
  readonly opset: number;
}

/**
 * What an operator computes, in naive loops: floats of any declared type are Float64Array, int64 BigInt64Array, int32
 * Int32Array, bool and uint8 Uint8Array. One array an output.
 */
export type Evaluation = (call: EvaluationCall) => readonly Shaped[];

/** Rows of the table of evaluations, by operator key. */
export type Evaluations = Readonly<Record<string, Evaluation>>;

/** An input that the operator's definition requires. */
export function arrayAt({ node, inputs }: EvaluationCall, index: number): Shaped {
  const found = inputs[index];
  if (found === undefined) throw new Error(`${node.name}: ${node.op} lacks input ${index}`);
  return found;
}

/** The integers (axes, shapes, indices) of an input; undefined where it is left out. */
export function integersAt({ inputs }: EvaluationCall, index: number): readonly number[] | undefined {
  const found = inputs[index];
  return found && Array.from(found.data, Number);
}

/** The first number of an input, or the operator's default. */
export function numberAt({ inputs }: EvaluationCall, index: number, fallback: number): number {
  const first = inputs[index]?.data[0];
  return first === undefined ? fallback : Number(first);
}

/** The same numbers, floats in double precision. */
export const widen = ({ data, shape }: Shaped): Shaped =>
  data instanceof Float32Array ? { data: Float64Array.from(data), shape } : { data, shape };

/** An array of zeros of the same kind. */
export function zerosLike(data: TensorData, length: number): TensorData {
  if (data instanceof BigInt64Array) return new BigInt64Array(length);
  if (data instanceof Int32Array) return new Int32Array(length);
  if (data instanceof Int16Array) return new Int16Array(length);
  if (data instanceof Uint8Array) return new Uint8Array(length);
  return new Float64Array(length);
}

/** Writes a number into an array of any kind; integers are cut towards zero, as a cast does. */
export function setNumber(data: TensorData, index: number, value: number): void {
  if (data instanceof BigInt64Array) data[index] = BigInt(Math.trunc(value));
  else data[index] = value;
}

/** Numbers as an array of the kind of another one. */
export function numbersLike(like: TensorData, values: ArrayLike<number>, shape: readonly number[]): Shaped {
  const data = zerosLike(like, values.length);
  for (let index = 0; index < values.length; index++) setNumber(data, index, values[index]!);
  return shaped(data, shape);
}

/** Truth values as ONNX's bool. */
export const truths = (values: ArrayLike<number>, shape: readonly number[]): Shaped =>
  shaped(Uint8Array.from(values), shape);

/** A vector of int64. */
export const int64s = (values: readonly number[], shape: readonly number[] = [values.length]): Shaped =>
  shaped(BigInt64Array.from(values, BigInt), shape);

/** Steps through memory from one place of each axis to the next, row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** Every place of a shape in row-major order. The array is the same one each time, with other numbers in it. */
export function* placesOf(shape: readonly number[]): Generator<readonly number[]> {
  const place = shape.map(() => 0);
  for (let left = sizeOf(shape); left > 0; left--) {
    yield place;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis]! += 1;
      if (place[axis]! < shape[axis]!) break;
      place[axis] = 0;
    }
  }
}

/** Place in memory. */
export const offsetOf = (place: readonly number[], strides: readonly number[]): number =>
  place.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);

/** An axis counted from the front. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** An array whose element at each place is one of another array's, or zero where there is none. */
export function pick(
  { data, shape }: Shaped,
  outputShape: readonly number[],
  from: (place: readonly number[]) => readonly number[] | undefined,
): Shaped {
  const [picked, strides] = [zerosLike(data, sizeOf(outputShape)), stridesOf(shape)];
  let index = 0;
  for (const place of placesOf(outputShape)) {
    const source = from(place);
    if (source !== undefined) picked[index] = data[offsetOf(source, strides)]!;
    index++;
  }
  return shaped(picked, outputShape);
}

/** The place of an array that a place of a broadcast result reads (ONNX, "Multidirectional broadcasting"). */
export const stretchedFrom = (place: readonly number[], shape: readonly number[]): number[] =>
  shape.map((length, axis) => (length === 1 ? 0 : place[axis + place.length - shape.length]!));

/** The shape of an elementwise result: axes aligned at the end, 1 stretches. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const length = lengths.find((one) => one !== 1) ?? 1;
    if (lengths.some((one) => one !== 1 && one !== length)) throw new Error(`[${shapes.join("] [")}] do not broadcast`);
    return length;
  });
}
