import {
  buildGraph,
  type Graph,
  type GraphBuilder,
  int,
  layOut,
  lengthOfSlots,
  liveNodes,
  type Network,
  type Program,
  type Slot,
  staticShape,
  type Value,
} from "../onnx/index.ts";
import { functionsOf } from "./composites.ts";
import { differentiate } from "./differentiate.ts";
import { type LossName, losses } from "./losses.ts";
import { recomputation } from "./recompute.ts";
import { mustGet, replay, runningShare } from "./replay.ts";
import { scalarInput, type UpdateSettings, updateVectors, writeUpdate } from "./update.ts";

/** What the gradient is of. */
export interface GradientSettings {
  /** Weight of each label in the loss, in the labels' order. */
  readonly lossWeights: readonly number[];
  /** A row of `losses`; the weighted cross-entropy where it is left out. */
  readonly loss?: LossName;
  /** The output that the loss reads; `slice_logits` where it is left out. */
  readonly output?: string;
  /**
   * Names of parameters that stay as they are; `*` stands for any letters. No gradient is written for them. A batch
   * normalisation of which a running statistic, or both scale and bias, are named keeps its statistics and goes by them.
   */
  readonly frozen?: readonly string[];
  /**
   * Saves memory for time: nodes run in the order in which they stand, and the forward pass is cut into so many segments,
   * of which all but the last are computed again in the backward pass.
   */
  readonly segments?: number;
  /** Multiplies the loss before differentiation by the feed `loss_scale`. */
  readonly lossScale?: boolean;
}

/** What a training program is made for. */
export interface TrainingSettings extends GradientSettings, UpdateSettings {
  readonly lossScale?: boolean;
}

/**
 * One training step of a network as one graph of plain ONNX operators and composites: forward in training form, the
 * loss of `slice_logits` against `labels`, plus the network's `penalty` where it has one, backward, optimiser. The
 * network is built for a fixed batch. Outputs: `loss` [], `${vector}_next`, `buffers_next`, and with loss scaling
 * `finite`.
 */
export function trainingProgram(network: Network, settings: TrainingSettings): Program {
  const g = buildGraph("training_step", opsetOf(network));
  const length = lengthOfSlots(layOut(network.parameters));
  const vector = (name: string) => g.input(name, { element: "float32", shape: [length] });
  const parameters = vector("parameters");
  const { gradient, buffers } = writeGradient(g, network, { parameters, settings });
  const finite = writeUpdate(g, { parameters, gradient, vector }, settings);
  if (buffers !== undefined) {
    // A forward pass that overflows leaves statistics that are no numbers: a step that is skipped leaves them too.
    const { running, moved } = buffers;
    g.output(finite === undefined ? moved : g.node("Where", [finite, moved, running]), "buffers_next");
  }
  return inOrder(programOf(g, network, updateVectors(settings)), settings);
}

/**
 * The first half of a step: from parameters, buffers and a batch to `gradient` (flat, over all parameters), `loss` and
 * `buffers_next`. For batches in several pieces and for several workers, whose gradients are averaged.
 */
export function gradientProgram(network: Network, settings: GradientSettings): Program {
  const g = buildGraph("gradient", opsetOf(network));
  const parameters = g.input("parameters", { element: "float32", shape: [lengthOfSlots(layOut(network.parameters))] });
  const { gradient, buffers } = writeGradient(g, network, { parameters, settings });
  g.output(gradient, "gradient");
  if (buffers !== undefined) g.output(buffers.moved, "buffers_next");
  return inOrder(programOf(g, network, { vectors: ["parameters"], updated: [] }), settings);
}

/** Values go once they are read only where the reading is not put off: a program that is to save memory keeps its order. */
const inOrder = (program: Program, { segments }: GradientSettings): Program =>
  segments === undefined ? program : { ...program, order: "as written" };

/**
 * The second half: from `gradient` and the state to `${vector}_next`. It works number by number, so `length` may be that
 * of another layout of the same parameters.
 */
export function updateProgram(length: number, settings: UpdateSettings): Program {
  const g = buildGraph("update");
  const vector = (name: string) => g.input(name, { element: "float32", shape: [length] });
  const parameters = vector("parameters");
  writeUpdate(g, { parameters, gradient: vector("gradient"), vector }, settings);
  return programOf(g, undefined, updateVectors(settings));
}

/** The opset that a network's operators mean: the step that holds them must mean it too. Ichor's own are of every later one. */
const opsetOf = ({ graph }: Network): Pick<Graph, "opset"> => (graph.opset === undefined ? {} : { opset: graph.opset });

function programOf(
  g: GraphBuilder,
  network: Network | undefined,
  { vectors, updated }: Pick<Program, "vectors" | "updated">,
): Program {
  const graph = liveNodes(g.finish());
  const state = new Set([...vectors, "buffers"]);
  const feeds = graph.inputs
    .filter(({ name }) => !state.has(name))
    .map(({ name, type }) => ({ name, shape: staticShape(type) }));
  return {
    model: { graph, functions: functionsOf(graph.nodes), metadata: {} },
    vectors,
    updated,
    slots: layOut(network?.parameters ?? []),
    buffers: layOut(network?.buffers ?? []),
    feeds,
  };
}

/** What a forward and backward pass come to. */
interface WrittenGradient {
  /** Flat, over all parameters. */
  readonly gradient: Value;
  /** Running statistics before and after the step, where the network has such. */
  readonly buffers: { readonly running: Value; readonly moved: Value } | undefined;
}

/** Writes forward pass, loss and backward pass. Outputs `loss`. */
function writeGradient(
  g: GraphBuilder,
  network: Network,
  { parameters, settings }: { readonly parameters: Value; readonly settings: GradientSettings },
): WrittenGradient {
  const { lossWeights, loss: lossName = "weighted cross-entropy", output = "slice_logits" } = settings;
  const [slots, buffers] = [layOut(network.parameters), layOut(network.buffers)];
  const values = new Map<string, Value>(takeApart(g, parameters, slots));
  const running =
    buffers.length > 0 ? g.input("buffers", { element: "float32", shape: [lengthOfSlots(buffers)] }) : undefined;
  const fixed = isFrozen(settings);
  if (running !== undefined) {
    for (const [name, value] of takeApart(g, running, buffers)) values.set(name, value);
  }
  const begin = g.finish().nodes.length;
  const forward = replay(g, network, { values, output, fixed });
  const pass = { nodes: g.finish().nodes.slice(begin), kept: new Set(slots.map(({ name }) => name)) };
  const labels = g.input("labels", forward.logits.type);
  const fit = losses[lossName](g, { ...forward, labels }, lossWeights);
  const loss = forward.penalty === undefined ? fit : g.node("Add", [fit, forward.penalty]);
  const scaled = settings.lossScale === true ? scaleLoss(g, loss) : loss;
  const trained = slots.filter(({ name }) => !fixed(name)).map(({ name }) => mustGet(values, name));
  const again =
    settings.segments === undefined ? undefined : recomputation(g, { ...pass, segments: settings.segments });
  const gradient = putTogether(g, slots, differentiate(g, scaled, trained, again));
  g.output(loss, "loss");
  if (running === undefined) return { gradient, buffers: undefined };
  const statistics = new Map([...buffers.map(({ name }) => [name, values.get(name)] as const), ...forward.statistics]);
  return { gradient, buffers: { running, moved: mixRunning(g, running, buffers, statistics) } };
}

const scaleLoss = (g: GraphBuilder, loss: Value): Value =>
  g.node("Mul", [loss, g.node("Reshape", [scalarInput(g, "loss_scale"), g.axes([])])]);

/** Whether a parameter's name fits one of the frozen patterns. */
export function isFrozen({ frozen = [] }: Pick<GradientSettings, "frozen">): (name: string) => boolean {
  const fits = frozen.map(patternOf);
  return (name) => fits.some((fit) => fit.test(name));
}

/** A pattern of names: `*` stands for any letters, all others for themselves. */
export function patternOf(pattern: string): RegExp {
  const letters = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${letters.join(".*")}$`);
}

/** Which learning rate some parameters have, relative to the others'. */
export interface RateScale {
  /** Of names; `*` stands for any letters. The first that fits counts. */
  readonly pattern: string;
  readonly scale: number;
}

/**
 * State vectors at the start: the given parameters and buffers, moments at zero, the average at the parameters, where
 * weight decay acts (nowhere on frozen parameters), and where learning rates are scaled.
 */
export function initialVectors(
  program: Program,
  network: Network,
  { parameters, buffers }: { readonly parameters: Float32Array; readonly buffers: Float32Array },
  { frozen, rates = [] }: { readonly frozen?: readonly string[]; readonly rates?: readonly RateScale[] } = {},
): Record<string, Float32Array> {
  const fixed = isFrozen(frozen === undefined ? {} : { frozen });
  const scales = rates.map(({ pattern, scale }) => ({ fit: patternOf(pattern), scale }));
  const overSlots = (value: (parameter: Network["parameters"][number]) => number) => {
    const vector = new Float32Array(parameters.length);
    program.slots.forEach(({ offset, shape }, index) => {
      const end = offset + shape.reduce((product, length) => product * length, 1);
      vector.fill(value(network.parameters[index]!), offset, end);
    });
    return vector;
  };
  const state: Record<string, Float32Array> = {
    parameters: parameters.slice(),
    decayed: overSlots(({ name, decay }) => (decay === "decay" && !fixed(name) ? 1 : 0)),
    buffers: buffers.slice(),
  };
  if (program.vectors.includes("rates")) {
    state["rates"] = overSlots(({ name }) => scales.find(({ fit }) => fit.test(name))?.scale ?? 1);
  }
  if (program.vectors.includes("average")) state["average"] = parameters.slice();
  for (const name of program.updated) state[name] ??= new Float32Array(parameters.length);
  return state;
}

/** A flat vector cut into its parameters, each in its shape. */
function takeApart(g: GraphBuilder, vector: Value, slots: readonly Slot[]): [string, Value][] {
  const sizes = slots.map(({ shape }) => shape.reduce((product, length) => product * length, 1));
  const pieces = g.nodes("Split", [vector, g.axes(sizes)], { axis: int(0) });
  return slots.map(({ name, shape }, index) => {
    const piece = pieces[index];
    if (piece === undefined) throw new Error(`no piece for ${name}`);
    return [name, g.node("Reshape", [piece, g.axes(shape)], {}, { names: [name] })];
  });
}

/** The gradients one after the other as one flat vector; a parameter without one gets zeros. */
function putTogether(g: GraphBuilder, slots: readonly Slot[], gradients: ReadonlyMap<string, Value>): Value {
  const pieces = slots.map(({ name, shape }) => {
    const gradient = gradients.get(name);
    const length = shape.reduce((product, part) => product * part, 1);
    if (gradient === undefined) return g.node("Expand", [g.scalar(0), g.axes([length])]);
    return g.node("Reshape", [gradient, g.axes([length])]);
  });
  return g.node("Concat", pieces, { axis: int(0) }, { names: ["gradient"] });
}

/** r' = r + share·(batch − r), over all buffers at once: those whose statistics are fixed stay as they are. */
function mixRunning(
  g: GraphBuilder,
  running: Value,
  buffers: readonly Slot[],
  statistics: ReadonlyMap<string, Value | undefined>,
): Value {
  const batch = g.node(
    "Concat",
    buffers.map(({ name }) => statistics.get(name)),
    { axis: int(0) },
    { names: ["batch_statistics"] },
  );
  const step = g.node("Mul", [g.node("Sub", [batch, running]), g.scalar(runningShare)]);
  return g.node("Add", [running, step]);
}
