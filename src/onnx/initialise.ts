import { random } from "../base/index.ts";
import { layOut, lengthOfSlots, type Network, type Parameter } from "./graph.ts";

/** The numbers of a network as flat vectors over its parameters and its buffers, plain layout. */
export interface NetworkState {
  readonly parameters: Float32Array;
  readonly buffers: Float32Array;
}

/** A network's first parameters and buffers. Each array has its own stream, so adding a layer leaves the others. */
export function initialise(network: Network, seed: number): NetworkState {
  return { parameters: fill(network.parameters, seed), buffers: fill(network.buffers, seed) };
}

function fill(arrays: readonly Parameter[], seed: number): Float32Array {
  const slots = layOut(arrays);
  const vector = new Float32Array(lengthOfSlots(slots));
  slots.forEach(({ name, offset }, index) => {
    const { initial, shape } = arrays[index]!;
    const end = offset + shape.reduce((product, length) => product * length, 1);
    if (initial.kind === "values") {
      vector.set(initial.values, offset);
      return;
    }
    const stream = random(seed, "initialise", name);
    for (let at = offset; at < end; at++) {
      if (initial.kind === "normal") vector[at] = initial.deviation * stream.normal();
      else if (initial.kind === "uniform") vector[at] = initial.bound * (2 * stream.uniform() - 1);
      else vector[at] = initial.value;
    }
  });
  return vector;
}
