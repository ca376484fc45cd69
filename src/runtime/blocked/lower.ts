import type { Model, Program } from "../../onnx/index.ts";

/** A program rewritten for one processor. */
export interface LoweredProgram {
  readonly model: Model;
  readonly block: number;
  pack(vector: string, plain: Float32Array): Float32Array;
  unpack(vector: string, held: Float32Array): Float32Array;
}

export async function lowerForCpu(_program: Program): Promise<LoweredProgram | undefined> {
  return undefined;
}
