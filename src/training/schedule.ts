/** What a learning rate follows from. */
export interface ScheduleSettings {
  readonly schedule: ScheduleName;
  /** The highest rate. */
  readonly learningRate: number;
  /** Share of all steps in which the rate rises. */
  readonly warmup: number;
  readonly epochs: number;
  /** Of "step": epochs between two falls, and what the rate is multiplied by at each. */
  readonly dropEvery?: number | undefined;
  readonly dropFactor?: number | undefined;
}

/** A step, from 0, of how many. */
interface Place {
  readonly step: number;
  readonly steps: number;
}

interface ScheduleRow {
  /** For docs/configuration.md. */
  readonly what: string;
  /** The rate as a share of the highest. */
  readonly share: (settings: ScheduleSettings, place: Place) => number;
}

/** One row a schedule. */
export const schedules = {
  // After the warm-up ½(1 + cos(π·t)), t from 0 to 1 (Loshchilov & Hutter 2017, eq. 5, one period)
  cosine: {
    what: "up in a straight line over the first `warmup` of all steps, then down to 0 as half a cosine",
    share: warmed((_, way) => (1 + Math.cos(Math.PI * way)) / 2),
  },
  constant: { what: "`learningRate` throughout", share: () => 1 },
  linear: {
    what: "the same warm-up, then down to 0 in a straight line",
    share: warmed((_, way) => 1 - way),
  },
  step: {
    what: "the same warm-up, then times `dropFactor` after every `dropEvery` epochs",
    share: warmed(({ epochs, dropEvery = Math.ceil(epochs / 3), dropFactor = 0.1 }, _, { step, steps }) => {
      const epoch = Math.floor((step * epochs) / steps);
      return dropFactor ** Math.floor(epoch / dropEvery);
    }),
  },
  // Smith & Topin 2018 as PyTorch's OneCycleLR has it: from 1/25 to 1 and on to 1/250,000 of the highest, as half cosines
  onecycle: {
    what: "as half cosines from 1/25 of `learningRate` up to it over the first `warmup` of all steps and down to 1/250,000",
    share({ warmup }, { step, steps }) {
      const top = Math.max(0, warmup * steps - 1);
      if (step < top) return between(1 / 25, 1, step / top);
      return between(1, 1 / 250_000, Math.min(1, (step - top) / Math.max(1, steps - 1 - top)));
    },
  },
} as const satisfies Readonly<Record<string, ScheduleRow>>;

/** Name of a schedule. */
export type ScheduleName = "cosine" | "constant" | "linear" | "step" | "onecycle";

/** (s + 1)/w over the w steps of warm-up, then what comes after, told how far the rest has gone, from 0 to 1. */
function warmed(
  after: (settings: ScheduleSettings, way: number, place: Place) => number,
): (settings: ScheduleSettings, place: Place) => number {
  return (settings, place) => {
    const { step, steps } = place;
    const warm = Math.round(settings.warmup * steps);
    if (step < warm) return (step + 1) / warm;
    return after(settings, (step - warm) / Math.max(1, steps - warm), place);
  };
}

/** From one value to another as half a cosine. */
const between = (from: number, to: number, way: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * way))) / 2;

/** Learning rate of a step (from 0) of `steps`; it is fed to the graph as a scalar. */
export function learningRate(settings: ScheduleSettings, step: number, steps: number): number {
  return settings.learningRate * schedules[settings.schedule].share(settings, { step, steps });
}
