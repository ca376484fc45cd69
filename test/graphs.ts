// Small helpers for tests that write a graph and run it.

import { functionsOf } from "../src/autodiff/index.ts";
import { must, type Shaped, shaped, sizeOf } from "../src/base/index.ts";
import { buildGraph, encodeModel, type GraphBuilder, type Value } from "../src/onnx/index.ts";
import { openExecutor } from "../src/runtime/index.ts";

/** Numbers in [-1, 1) that a small generator of its own makes (mulberry32), so that tests do not lean on src/base. */
export function numbers(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** A float32 array of a shape with such numbers. */
export const randomArray = (shape: readonly number[], seed: number): Shaped<Float32Array> =>
  shaped(numbers(sizeOf(shape), seed), shape);

/** Writes a graph over named float32 inputs, runs it once, answers its outputs. */
export async function runGraph(
  inputs: Readonly<Record<string, Shaped<Float32Array>>>,
  write: (g: GraphBuilder, values: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>,
): Promise<Readonly<Record<string, Shaped>>> {
  const g = buildGraph("test");
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, g.input(name, { element: "float32", shape })]),
  );
  for (const [name, value] of Object.entries(write(g, values))) g.output(value, name);
  const graph = g.finish();
  const executor = must(
    await openExecutor(encodeModel({ graph, functions: functionsOf(graph.nodes), metadata: {} }), { threads: 1 }),
  );
  const used = Object.fromEntries(Object.entries(inputs).filter(([name]) => executor.inputs.includes(name)));
  const answer = await executor.run(used);
  await executor.close();
  return answer;
}

/** The numbers of an output. */
export function floats(value: Shaped | undefined): Float32Array {
  if (value?.data instanceof Float32Array) return value.data;
  throw new Error("there is no such float32 output");
}

/** Relative L2 distance of two arrays. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let index = 0; index < a.length; index++) {
    difference += (a[index]! - b[index]!) ** 2;
    norm += b[index]! ** 2;
  }
  return a.length === b.length ? Math.sqrt(difference / Math.max(norm, 1e-30)) : Number.POSITIVE_INFINITY;
}

/** Inner product in float64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}
