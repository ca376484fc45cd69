import { setImmediate as breathe } from "node:timers/promises";
import { fail, ok, type Progress, type Result } from "../base/index.ts";
import type { SliceCache } from "../dataset/index.ts";
import { interrupted } from "./interruption.ts";

/** Mean and standard deviation of each pixel over slices, [size·size] each. */
export interface Standardisation {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

/**
 * Mean and standard deviation (of the population) of each pixel over the rows, each value seen through `value`, in one
 * pass with one slice in memory (Welford 1962). Problems: "interrupted".
 */
export async function measurePixels(
  cache: Pick<SliceCache, "size" | "read">,
  rows: Int32Array,
  o: { readonly value: (stored: number) => number; readonly progress: Progress; readonly signal: AbortSignal },
): Promise<Result<Standardisation>> {
  const pixels = cache.size ** 2;
  const mean = new Float64Array(pixels);
  const squares = new Float64Array(pixels); // Σ (x − mean)² so far
  const task = o.progress.start("Measuring pixels", rows.length);
  let seen = 0;
  for (const row of rows) {
    const slice = cache.read(row);
    seen++;
    for (let pixel = 0; pixel < pixels; pixel++) {
      const x = o.value(slice[pixel]!);
      const before = x - mean[pixel]!;
      mean[pixel]! += before / seen;
      squares[pixel]! += before * (x - mean[pixel]!);
    }
    task.advance(1);
    if (seen % 64 === 0) await breathe(); // let an interrupt and the bars through
    if (o.signal.aborted) return fail(interrupted("measuring pixels"));
  }
  task.done();
  const deviation = Float32Array.from(squares, (sum) => Math.sqrt(sum / Math.max(1, seen)));
  return ok({ mean: Float32Array.from(mean), deviation });
}
