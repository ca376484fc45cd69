/** The typed arrays that tensors are made of. */
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | Int16Array;

/** A typed array with its shape, row-major. */
export interface Shaped<T extends TensorData = TensorData> {
  readonly data: T;
  readonly shape: readonly number[];
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** An array with its shape; the length is checked here and nowhere else. */
export function shaped<T extends TensorData>(data: T, shape: readonly number[]): Shaped<T> {
  if (data.length !== sizeOf(shape)) throw new Error(`${data.length} values do not fill the shape [${shape}]`);
  return { data, shape };
}
