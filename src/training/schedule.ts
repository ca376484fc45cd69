import type { TrainingConfig } from "./config.ts";

/**
 * Learning rate of a step (from 0) of `steps`. Cosine: η·(s + 1)/w over the w steps of warm-up, then
 * η·½(1 + cos(π·t)), t from 0 to 1 over the rest (Loshchilov & Hutter 2017, eq. 5, one period).
 */
export function learningRate(
  { schedule, warmup, learningRate: peak }: Pick<TrainingConfig, "schedule" | "warmup" | "learningRate">,
  step: number,
  steps: number,
): number {
  switch (schedule) {
    case "constant":
      return peak;
    case "cosine": {
      const warm = Math.round(warmup * steps);
      if (step < warm) return (peak * (step + 1)) / warm;
      const way = (step - warm) / Math.max(1, steps - warm);
      return (peak * (1 + Math.cos(Math.PI * way))) / 2;
    }
  }
}
