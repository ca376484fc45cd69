import { random } from "../base/index.ts";

/**
 * Standard normal numbers, drawn once: 50,000 new ones a slice would take longer than all else. The length is prime, so
 * that channels of any size begin at different places of it.
 */
export const noiseLength = 65_521;

/** Fills an array with the table, over and over. */
export function drawNoise(noise: Float32Array): void {
  const source = random(0, "noise table");
  for (let index = 0; index < noise.length; index++) {
    noise[index] = index < noiseLength ? source.normal() : noise[index - noiseLength]!;
  }
}
