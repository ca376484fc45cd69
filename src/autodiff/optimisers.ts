import type { GraphBuilder, Value } from "../onnx/index.ts";

/** How gradients move the parameters. */
export type Optimiser =
  | { readonly kind: "sgd"; readonly momentum: number; readonly nesterov?: boolean }
  | { readonly kind: "adamw"; readonly beta1: number; readonly beta2: number; readonly epsilon: number };

/** A step's schedule: how many steps were taken with this one (from 1), learning rate, weight decay. */
export interface StepSchedule {
  readonly step: number;
  readonly rate: number;
  readonly decay: number;
}

/** An optimiser as a piece of graph over flat vectors of all parameters. */
interface OptimiserRow {
  /** State vectors besides `parameters`. */
  readonly moments: readonly string[];
  /** Scalar feeds, each of shape [1]. */
  readonly scalars: readonly string[];
  /** Those of them that are learning rates. */
  readonly rates: readonly string[];
  /** New values of `parameters` and the moments, by vector. `decayed` is 1 where weight decay acts, else 0. */
  readonly update: (g: GraphBuilder, values: UpdateValues, optimiser: Optimiser) => Readonly<Record<string, Value>>;
  /** The scalar feeds of one step. */
  readonly feeds: (optimiser: Optimiser, schedule: StepSchedule) => Readonly<Record<string, number>>;
}

interface UpdateValues {
  readonly parameters: Value;
  readonly gradient: Value;
  readonly decayed: Value;
  readonly moments: Readonly<Record<string, Value>>;
  readonly scalars: Readonly<Record<string, Value>>;
}

const named = (values: Readonly<Record<string, Value>>, name: string): Value => {
  const value = values[name];
  if (value === undefined) throw new Error(`the optimiser lacks ${name}`);
  return value;
};

/** One row an optimiser. */
export const optimisers: Readonly<Record<Optimiser["kind"], OptimiserRow>> = {
  // m' = μ·m + g + λ·p,   p' = p − η·m', with Nesterov p' = p − η·(g + λ·p + μ·m')   (Sutskever et al. 2013, as PyTorch has it)
  sgd: {
    moments: ["moment1"],
    scalars: ["rate", "decay"],
    rates: ["rate"],
    update(g, { parameters, gradient, decayed, moments, scalars }, optimiser) {
      const momentum = optimiser.kind === "sgd" ? optimiser.momentum : 0;
      const pull = g.node("Mul", [g.node("Mul", [parameters, decayed]), named(scalars, "decay")]);
      const kept = g.node("Mul", [named(moments, "moment1"), g.scalar(momentum)]);
      const pulled = g.node("Add", [gradient, pull]);
      const moment1 = g.node("Add", [kept, pulled]);
      const nesterov = optimiser.kind === "sgd" && optimiser.nesterov === true;
      const step = nesterov ? g.node("Add", [pulled, g.node("Mul", [moment1, g.scalar(momentum)])]) : moment1;
      return { moment1, parameters: g.node("Sub", [parameters, g.node("Mul", [step, named(scalars, "rate")])]) };
    },
    feeds: (_, { rate, decay }) => ({ rate, decay }),
  },
  // m' = β₁m + (1−β₁)g,  v' = β₂v + (1−β₂)g²,  p' = p − ηλ·p − η/(1−β₁ᵗ)·m'/(√v'/√(1−β₂ᵗ) + ε)   (Loshchilov & Hutter 2019)
  adamw: {
    moments: ["moment1", "moment2"],
    scalars: ["rate", "correction", "shrink"],
    rates: ["rate", "shrink"],
    update(g, { parameters, gradient, decayed, moments, scalars }, optimiser) {
      if (optimiser.kind !== "adamw") throw new Error("adamw is asked for with other settings");
      const { beta1, beta2, epsilon } = optimiser;
      const mix = (old: Value, beta: number, now: Value) =>
        g.node("Add", [g.node("Mul", [old, g.scalar(beta)]), g.node("Mul", [now, g.scalar(1 - beta)])]);
      const moment1 = mix(named(moments, "moment1"), beta1, gradient);
      const moment2 = mix(named(moments, "moment2"), beta2, g.node("Mul", [gradient, gradient]));
      const root = g.node("Mul", [g.node("Sqrt", [moment2]), named(scalars, "correction")]);
      const direction = g.node("Div", [moment1, g.node("Add", [root, g.scalar(epsilon)])]);
      const shrink = g.node("Mul", [g.node("Mul", [parameters, decayed]), named(scalars, "shrink")]);
      const moved = g.node("Sub", [parameters, g.node("Mul", [direction, named(scalars, "rate")])]);
      return { moment1, moment2, parameters: g.node("Sub", [moved, shrink]) };
    },
    feeds(optimiser, { step, rate, decay }) {
      if (optimiser.kind !== "adamw") throw new Error("adamw is asked for with other settings");
      return {
        rate: rate / (1 - optimiser.beta1 ** step),
        correction: 1 / Math.sqrt(1 - optimiser.beta2 ** step),
        shrink: rate * decay,
      };
    },
  },
};

/** The scalar feeds of one optimiser step, ready for the graph. */
export function optimiserScalars(optimiser: Optimiser, schedule: StepSchedule): Readonly<Record<string, Float32Array>> {
  const feeds = Object.entries(optimisers[optimiser.kind].feeds(optimiser, schedule));
  return Object.fromEntries(feeds.map(([name, value]) => [name, Float32Array.of(value)]));
}
