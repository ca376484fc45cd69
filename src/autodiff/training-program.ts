import { shaped } from "../base/index.ts";
import {
  buildGraph,
  float,
  floatOf,
  type Graph,
  type GraphBuilder,
  int,
  layOut,
  lengthOfSlots,
  liveNodes,
  type Network,
  type Node,
  type Program,
  type Slot,
  staticShape,
  type Value,
} from "../onnx/index.ts";
import { callComposite, functionsOf, normaliseBatch } from "./composites.ts";
import { differentiate } from "./differentiate.ts";
import { type Optimiser, optimisers } from "./optimisers.ts";

/** What a training program is made for. */
export interface TrainingSettings {
  readonly optimiser: Optimiser;
  /** Weight of each label in the loss, in the labels' order. */
  readonly lossWeights: readonly number[];
}

/** Weight of the newest batch in the running statistics of batch normalisation. */
const runningShare = 0.1;

/**
 * One training step of a network as one graph of plain ONNX operators and composites: forward in training form, the
 * weighted cross-entropy of `slice_logits` against `labels`, plus the network's `penalty` where it has one, backward,
 * optimiser. The network is built for a fixed batch. Outputs: `loss` [], `${vector}_next`, `buffers_next`.
 */
export function trainingProgram(network: Network, { optimiser, lossWeights }: TrainingSettings): Program {
  const g = buildGraph("training_step");
  const slots = layOut(network.parameters);
  const buffers = layOut(network.buffers);
  const row = optimisers[optimiser.kind];
  const length = lengthOfSlots(slots);
  const vector = (name: string) => g.input(name, { element: "float32", shape: [length] });

  const parameters = vector("parameters");
  const moments = Object.fromEntries(row.moments.map((name) => [name, vector(name)]));
  const decayed = vector("decayed");
  const values = new Map<string, Value>([...takeApart(g, parameters, slots)]);
  let running: Value | undefined;
  if (buffers.length > 0) {
    running = g.input("buffers", { element: "float32", shape: [lengthOfSlots(buffers)] });
  }

  const forward = replay(g, network, values);
  const labels = g.input("labels", forward.logits.type);
  const loss = lossOf(g, { ...forward, labels, lossWeights });
  const gradient = putTogether(
    g,
    slots,
    differentiate(
      g,
      loss,
      slots.map(({ name }) => mustGet(values, name)),
    ),
  );
  const scalars = Object.fromEntries(
    row.scalars.map((name) => [name, g.input(name, { element: "float32", shape: [1] })]),
  );
  const next = row.update(g, { parameters, gradient, decayed, moments, scalars }, optimiser);

  g.output(loss, "loss");
  for (const [name, value] of Object.entries(next)) g.output(value, `${name}_next`);
  if (running !== undefined) g.output(mixRunning(g, running, buffers, forward.statistics), "buffers_next");
  const graph = liveNodes(g.finish());
  const updated = ["parameters", ...row.moments];
  const vectors = [...updated, "decayed"];
  const state = new Set([...vectors, "buffers"]);
  const feeds = graph.inputs
    .filter(({ name }) => !state.has(name))
    .map(({ name, type }) => ({ name, shape: staticShape(type) }));
  return {
    model: { graph, functions: functionsOf(graph.nodes), metadata: {} },
    vectors,
    updated,
    slots,
    buffers,
    feeds,
  };
}

/** State vectors at the start: the given parameters and buffers, moments at zero, and where weight decay acts. */
export function initialVectors(
  program: Program,
  network: Network,
  { parameters, buffers }: { readonly parameters: Float32Array; readonly buffers: Float32Array },
): Record<string, Float32Array> {
  const decayed = new Float32Array(parameters.length);
  program.slots.forEach(({ offset, shape }, index) => {
    const end = offset + shape.reduce((product, length) => product * length, 1);
    if (network.parameters[index]?.decay === "decay") decayed.fill(1, offset, end);
  });
  const state: Record<string, Float32Array> = { parameters: parameters.slice(), decayed, buffers: buffers.slice() };
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
    if (gradient === undefined) return g.constant(shaped(new Float32Array(length), [length]));
    return g.node("Reshape", [gradient, g.axes([length])]);
  });
  return g.node("Concat", pieces, { axis: int(0) }, { names: ["gradient"] });
}

interface Forward {
  readonly logits: Value;
  readonly penalty: Value | undefined;
  /** Batch statistics by the name of the buffer that they move. */
  readonly statistics: ReadonlyMap<string, Value>;
}

/** Writes the network's forward graph in training form: batch statistics instead of running ones, dropout by masks. */
function replay(g: GraphBuilder, network: Network, values: Map<string, Value>): Forward {
  const { graph } = network;
  const held = new Set([...network.parameters, ...network.buffers].map(({ name }) => name));
  for (const input of graph.inputs) if (!held.has(input.name)) values.set(input.name, g.input(input.name, input.type));
  for (const [name, constant] of graph.constants) values.set(name, g.constant(constant));
  const statistics = new Map<string, Value>();
  for (const node of trainingNodes(graph)) {
    if (node.op === "BatchNormalization") normalise(g, node, { values, statistics });
    else if (node.op === "Dropout") values.set(node.outputs[0]!, drop(g, node, values, graph));
    else {
      const made = g.nodes(
        node.op,
        node.inputs.map((name) => values.get(name)),
        node.attributes,
        { domain: node.domain, outputs: node.outputs.length },
      );
      for (const [index, name] of node.outputs.entries()) values.set(name, made[index]!);
    }
  }
  return { logits: mustGet(values, "slice_logits"), penalty: values.get("penalty"), statistics };
}

/** Nodes that the logits and the penalty need; what only the detector shows is left out. */
function trainingNodes(graph: Graph): readonly Node[] {
  const outputs = graph.outputs.filter(({ name }) => name === "slice_logits" || name === "penalty");
  return liveNodes({ ...graph, outputs }).nodes;
}

function normalise(
  g: GraphBuilder,
  node: Node,
  { values, statistics }: { values: Map<string, Value>; statistics: Map<string, Value> },
): void {
  const [x, scale, bias] = node.inputs.map((name) => values.get(name));
  const [, , , meanName, varianceName] = node.inputs;
  if (x === undefined || scale === undefined || bias === undefined) throw new Error(`${node.name} lacks an input`);
  const epsilon = floatOf(node.attributes, "epsilon", 1e-5);
  const { y, mean, variance } = normaliseBatch(g, { x, scale, bias, epsilon });
  const [batch, , ...plane] = staticShape(x.type);
  const places = plane.reduce((product, length) => product * length, batch ?? 1);
  // The running variance estimates the population's, so the batch's is unbiased: n/(n − 1), as in PyTorch.
  const unbiased = g.node("Mul", [variance, g.scalar(places / Math.max(1, places - 1))]);
  values.set(node.outputs[0]!, y);
  statistics.set(meanName!, mean);
  statistics.set(varianceName!, unbiased);
}

/**
 * Inverted dropout (Srivastava et al. 2014) with a mask from outside: the feed `${output}_uniform` holds seeded numbers
 * in [0, 1), so a step is the same whenever and wherever it is run. y = x·[u > p]/(1 − p)
 */
function drop(g: GraphBuilder, node: Node, values: ReadonlyMap<string, Value>, graph: Graph): Value {
  const x = mustGet(values, node.inputs[0]!);
  const ratio = Number(graph.constants.get(node.inputs[1]!)?.data[0] ?? 0.5);
  const uniform = g.input(`${node.outputs[0]}_uniform`, x.type);
  const steep = 1e30; // HardSigmoid(steep·(u − p)) is the step function without a Cast
  const kept = g.node("HardSigmoid", [g.node("Sub", [uniform, g.scalar(ratio)])], {
    alpha: float(steep),
    beta: float(0),
  });
  return g.node("Mul", [x, g.node("Mul", [kept, g.scalar(1 / (1 - ratio))])]);
}

function lossOf(
  g: GraphBuilder,
  parts: Forward & { readonly labels: Value; readonly lossWeights: readonly number[] },
): Value {
  const total = parts.lossWeights.reduce((sum, weight) => sum + weight, 0);
  const share = g.constant(
    shaped(
      Float32Array.from(parts.lossWeights, (weight) => weight / total),
      [1, parts.lossWeights.length],
    ),
  );
  const [loss] = callComposite(g, "WeightedCrossEntropy", { inputs: [parts.logits, parts.labels, share] });
  if (loss === undefined) throw new Error("the loss has no value");
  return parts.penalty === undefined ? loss : g.node("Add", [loss, parts.penalty]);
}

/** r' = (1 − share)·r + share·batch, over all buffers at once. */
function mixRunning(
  g: GraphBuilder,
  running: Value,
  buffers: readonly Slot[],
  statistics: ReadonlyMap<string, Value>,
): Value {
  const batch = g.node(
    "Concat",
    buffers.map(({ name }) => mustGet(statistics, name)),
    { axis: int(0) },
    { names: ["batch_statistics"] },
  );
  return g.node("Add", [
    g.node("Mul", [running, g.scalar(1 - runningShare)]),
    g.node("Mul", [batch, g.scalar(runningShare)]),
  ]);
}

function mustGet<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`${name} is missing`);
  return found;
}
