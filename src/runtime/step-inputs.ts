import { type Shaped, sizeOf } from "../base/index.ts";
import type { Program } from "../onnx/index.ts";
import type { LoweredProgram } from "./blocked/lower.ts";
import type { Executor } from "./executor.ts";

/** What a program is run with: its state as the graph holds it, and the feeds of one run. */
export interface StepInputs {
  readonly program: Pick<Program, "feeds">;
  /** Parts of the state that are inputs of their own. */
  readonly views: LoweredProgram["views"];
  readonly state: Readonly<Record<string, Float32Array>>;
  readonly feeds: Readonly<Record<string, Float32Array>>;
}

/** A part of a state vector in its shape, over the same memory. */
export function seen(
  { vector, offset, shape }: LoweredProgram["views"][number],
  state: Readonly<Record<string, Float32Array>>,
): Shaped {
  return { data: state[vector]!.subarray(offset, offset + sizeOf(shape)), shape };
}

/** The inputs of an executor that runs a training program. Throws where a feed is missing. */
export function stepInputs(
  executor: Executor,
  { program, views, state, feeds }: StepInputs,
): Readonly<Record<string, Shaped>> {
  const inputs: Record<string, Shaped> = {};
  for (const [name, data] of Object.entries(state)) inputs[name] = { data, shape: [data.length] };
  for (const { name, shape } of program.feeds) {
    const data = feeds[name];
    if (data === undefined) throw new Error(`the step lacks the feed ${name} [${shape}]`);
    inputs[name] = { data, shape };
  }
  for (const view of views) inputs[view.name] = seen(view, state);
  const wanted = new Set(executor.inputs);
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => wanted.has(name)));
}
