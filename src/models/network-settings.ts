import type { Graph } from "../onnx/index.ts";

/** Slices a call: a number for a training step, the name of the length for a detector. */
export type Batch = number | "slices";

/** What shapes a network. */
export interface NetworkSettings {
  /** Rows and columns of the input. */
  readonly size: number;
  /** Neighbouring slices as channels, the slice itself in the middle. */
  readonly neighbours: number;
  /** Channels of the first stage. */
  readonly width?: number;
  /** The network of a file, as `readModel` gives it, for models that are built around one. */
  readonly backbone?: Graph;
  /** Mean and standard deviation of each input pixel over the training fold, [size·size] each. */
  readonly standardisation?: { readonly mean: Float32Array; readonly deviation: Float32Array };
}
