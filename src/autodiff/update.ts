import { type GraphBuilder, int, type Value } from "../onnx/index.ts";
import { type Optimiser, optimisers } from "./optimisers.ts";

/** How gradients become new parameters. */
export interface UpdateSettings {
  readonly optimiser: Optimiser;
  /** Gradients longer than this are shortened to it, all parameters together (Pascanu et al. 2013). */
  readonly clipNorm?: number;
  /** Each number of a gradient is kept within ± this. */
  readonly clipValue?: number;
  /** Keeps `average`, an exponential moving average of the parameters; wants `average_decay` with each step. */
  readonly average?: boolean;
  /** Wants `loss_scale` with each step, takes it out of the gradient, and skips the step where that is not finite. */
  readonly lossScale?: boolean;
  /** A vector `rates` scales each parameter's learning rate. */
  readonly rates?: boolean;
}

/** The names of the state vectors that an update reads and writes. */
export function updateVectors({ optimiser, average, rates }: UpdateSettings) {
  const updated = ["parameters", ...optimisers[optimiser.kind].moments, ...(average === true ? ["average"] : [])];
  return { updated, vectors: [...updated, "decayed", ...(rates === true ? ["rates"] : [])] };
}

/**
 * Writes the update: from the flat gradient and the state to `${vector}_next` for each updated vector. With loss scaling it
 * answers whether the gradient is finite, and outputs that as `finite`.
 */
export function writeUpdate(
  g: GraphBuilder,
  {
    parameters,
    gradient,
    vector,
  }: { readonly parameters: Value; readonly gradient: Value; readonly vector: (name: string) => Value },
  settings: UpdateSettings,
): Value | undefined {
  const { optimiser } = settings;
  const row = optimisers[optimiser.kind];
  const moments = Object.fromEntries(row.moments.map((name) => [name, vector(name)]));
  const decayed = vector("decayed");
  const average = settings.average === true ? vector("average") : undefined;
  const rates = settings.rates === true ? vector("rates") : undefined;
  const scalar = (name: string) => scalarInput(g, name);
  const fed = Object.fromEntries(row.scalars.map((name) => [name, scalar(name)]));
  const scalars = Object.fromEntries(
    Object.entries(fed).map(([name, value]) => [
      name,
      rates !== undefined && row.rates.includes(name) ? g.node("Mul", [rates, value]) : value,
    ]),
  );
  const unscaled = settings.lossScale === true ? g.node("Div", [gradient, scalar("loss_scale")]) : gradient;
  const clipped = clip(g, unscaled, settings);
  const next: Record<string, Value> = {
    ...row.update(g, { parameters, gradient: clipped, decayed, moments, scalars }, optimiser),
  };
  if (average !== undefined)
    next["average"] = mix(g, { old: average, now: next["parameters"]!, keep: scalar("average_decay") });
  const finite = settings.lossScale === true ? allFinite(g, unscaled) : undefined;
  if (finite !== undefined) {
    const held: Readonly<Record<string, Value>> = { ...moments, parameters, ...(average && { average }) };
    for (const [name, value] of Object.entries(next)) next[name] = g.node("Where", [finite, value, held[name]]);
    g.output(g.node("Where", [finite, g.scalar(1), g.scalar(0)]), "finite");
  }
  for (const [name, value] of Object.entries(next)) g.output(value, `${name}_next`);
  return finite;
}

/** A feed of one number; the same input wherever a graph asks for it. */
export const scalarInput = (g: GraphBuilder, name: string): Value =>
  g.finish().inputs.find((input) => input.name === name) ?? g.input(name, { element: "float32", shape: [1] });

const sumOfSquares = (g: GraphBuilder, value: Value) =>
  g.node("ReduceSumSquare", [value, g.axes([0])], { keepdims: int(1) });

function clip(g: GraphBuilder, gradient: Value, { clipNorm, clipValue }: UpdateSettings): Value {
  const bounded =
    clipValue === undefined ? gradient : g.node("Clip", [gradient, g.scalar(-clipValue), g.scalar(clipValue)]);
  if (clipNorm === undefined) return bounded;
  // g·min(1, c/(‖g‖ + 1e-6)), as torch.nn.utils.clip_grad_norm_ has it
  const norm = g.node("Add", [g.node("Sqrt", [sumOfSquares(g, bounded)]), g.scalar(1e-6)]);
  const factor = g.node("Min", [g.node("Div", [g.scalar(clipNorm), norm]), g.scalar(1)]);
  return g.node("Mul", [bounded, factor]);
}

/** keep·old + (1 − keep)·now */
function mix(
  g: GraphBuilder,
  { old, now, keep }: { readonly old: Value; readonly now: Value; readonly keep: Value },
): Value {
  const rest = g.node("Sub", [g.scalar(1), keep]);
  return g.node("Add", [g.node("Mul", [old, keep]), g.node("Mul", [now, rest])]);
}

/** Whether all numbers are: nothing times zero is zero but they. */
function allFinite(g: GraphBuilder, value: Value): Value {
  const zero = sumOfSquares(g, g.node("Mul", [value, g.scalar(0)]));
  return g.node("Equal", [zero, g.scalar(0)]);
}

/**
 * The scalar `average_decay` of the `step`-th step that moves the average (from 1). As Adam corrects its moments (Kingma &
 * Ba 2015, section 3), so that the first parameters, which are random, have no weight in it:
 * a_t = Σ_i β^(t−i)·p_i / Σ_i β^(t−i), i from 1 to t; as a step from a_(t−1): keep = β·(1 − β^(t−1))/(1 − β^t)
 */
export function averageKeep(decay: number, step: number): number {
  return (decay * (1 - decay ** (step - 1))) / (1 - decay ** step);
}

/** A loss scale, and how many steps in a row were not skipped since it last changed. */
export interface LossScale {
  readonly scale: number;
  readonly since: number;
}

/**
 * The dynamic rule of loss scaling (Micikevicius et al. 2018): halve when a step was skipped, double after `growth` steps
 * in a row that were not.
 */
export function nextLossScale({ scale, since }: LossScale, finite: boolean, growth = 2000): LossScale {
  if (!finite) return { scale: Math.max(1, scale / 2), since: 0 };
  return since + 1 < growth ? { scale, since: since + 1 } : { scale: Math.min(2 ** 24, scale * 2), since: 0 };
}
