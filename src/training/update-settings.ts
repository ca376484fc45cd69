import {
  averageKeep,
  type GradientSettings,
  type LossScale,
  nextLossScale,
  type Optimiser,
  optimiserScalars,
  type UpdateSettings,
} from "../autodiff/index.ts";
import { lossWeights } from "../labels/index.ts";
import type { TrainingConfig } from "./config.ts";
import { learningRate } from "./schedule.ts";

/** The scale of the loss between two steps, and how many steps it has made to be skipped so far. */
export interface Scaling extends LossScale {
  readonly skipped: number;
}

/** A dynamic scale starts here (Micikevicius et al. 2018 start at 2^24; PyTorch's GradScaler, as this, at 2^16). */
const firstScale = 2 ** 16;

/** The scaling before the first step; undefined where the loss is not scaled. */
export function firstScaling({ lossScale }: Pick<TrainingConfig, "lossScale">): Scaling | undefined {
  if (lossScale === undefined) return undefined;
  return { scale: lossScale === "dynamic" ? firstScale : lossScale, since: 0, skipped: 0 };
}

/** The scaling after a step. A fixed scale stays; a step that it makes overflow is skipped all the same. */
export function nextScaling(
  { lossScale, lossScaleGrowth }: Pick<TrainingConfig, "lossScale" | "lossScaleGrowth">,
  { skipped, ...scale }: Scaling,
  finite: boolean,
): Scaling {
  const counted = skipped + (finite ? 0 : 1);
  if (lossScale !== "dynamic") return { ...scale, skipped: counted };
  return { ...nextLossScale(scale, finite, lossScaleGrowth), skipped: counted };
}

/** Into how many pieces a batch is cut. */
export const piecesOf = ({ accumulate, workers }: Pick<TrainingConfig, "accumulate" | "workers">): number =>
  accumulate ?? workers ?? 1;

/** What a configuration asks of the training step's graph. */
export function stepSettings(config: TrainingConfig): GradientSettings & UpdateSettings {
  const { clipNorm, clipValue, averageDecay, frozen, recompute, rates, lossScale } = config;
  return {
    optimiser: optimiserOf(config),
    lossWeights,
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(clipValue === undefined ? {} : { clipValue }),
    ...(frozen === undefined ? {} : { frozen }),
    ...(recompute === undefined ? {} : { segments: recompute }),
    average: averageDecay !== undefined,
    rates: rates !== undefined,
    lossScale: lossScale !== undefined,
  };
}

/** The scalars of the step after `taken` of `steps`. Skipped steps count for the schedule, and for nothing else. */
export function stepScalars(
  config: TrainingConfig,
  { taken, steps, scaling }: { readonly taken: number; readonly steps: number; readonly scaling: Scaling | undefined },
): Readonly<Record<string, Float32Array>> {
  const { averageDecay, weightDecay } = config;
  const step = taken - (scaling?.skipped ?? 0) + 1;
  const rate = learningRate(config, taken, steps);
  return {
    ...optimiserScalars(optimiserOf(config), { step, rate, decay: weightDecay }),
    ...(averageDecay === undefined ? {} : { average_decay: Float32Array.of(averageKeep(averageDecay, step)) }),
    ...(scaling === undefined ? {} : { loss_scale: Float32Array.of(scaling.scale) }),
  };
}

function optimiserOf({ optimiser, momentum, nesterov }: TrainingConfig): Optimiser {
  switch (optimiser) {
    case "sgd":
      return { kind: "sgd", momentum, ...(nesterov === undefined ? {} : { nesterov }) };
    case "adamw":
      return { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }; // Loshchilov & Hutter 2019, as PyTorch has it
  }
}
