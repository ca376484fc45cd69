import {
  float,
  floatOf,
  type Graph,
  type GraphBuilder,
  liveNodes,
  type Network,
  type Node,
  staticShape,
  type Value,
} from "../onnx/index.ts";
import { normaliseBatch } from "./composites.ts";

/** Weight of the newest batch in the running statistics where a normalisation has the default momentum, 0.9. */
export const runningShare = 0.1;

/** What comes out of a forward pass in training form. */
export interface Forward {
  readonly logits: Value;
  readonly penalty: Value | undefined;
  /** Batch statistics by the name of the buffer that they move. */
  readonly statistics: ReadonlyMap<string, Value>;
}

/**
 * Writes a network's forward graph in training form: batch statistics instead of running ones, dropout by masks. A batch
 * normalisation is frozen, which is PyTorch's layer in evaluation mode, where `fixed` names one of its running
 * statistics, or both its scale and its bias: it normalises by the running statistics and leaves them as they are. A
 * scale and a bias that are not fixed themselves are trained all the same.
 */
export function replay(
  g: GraphBuilder,
  network: Network,
  {
    values,
    output,
    fixed,
  }: { readonly values: Map<string, Value>; readonly output: string; readonly fixed: (name: string) => boolean },
): Forward {
  const { graph } = network;
  const held = new Set([...network.parameters, ...network.buffers].map(({ name }) => name));
  for (const input of graph.inputs) if (!held.has(input.name)) values.set(input.name, g.input(input.name, input.type));
  for (const [name, constant] of graph.constants) values.set(name, g.constant(constant));
  const statistics = new Map<string, Value>();
  for (const node of trainingNodes(graph, output)) {
    if (node.op === "BatchNormalization" && !isFrozenNormalisation(node, fixed))
      normalise(g, node, { values, statistics });
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
  return { logits: mustGet(values, output), penalty: values.get("penalty"), statistics };
}

function isFrozenNormalisation({ inputs }: Node, fixed: (name: string) => boolean): boolean {
  const [, scale = "", bias = "", mean = "", variance = ""] = inputs;
  return fixed(mean) || fixed(variance) || (fixed(scale) && fixed(bias));
}

/** Nodes that the logits and the penalty need; what only the detector shows is left out. */
function trainingNodes(graph: Graph, output: string): readonly Node[] {
  const outputs = graph.outputs.filter(({ name }) => name === output || name === "penalty");
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
  const share = 1 - floatOf(node.attributes, "momentum", 0.9);
  statistics.set(meanName!, withShare(g, mustGet(values, meanName!), mean, share));
  statistics.set(varianceName!, withShare(g, mustGet(values, varianceName!), unbiased, share));
}

/**
 * What moves a running statistic r by `share` of the way to the batch's b, where all are moved by `runningShare` at
 * once: r + (share/runningShare)·(b − r). ONNX BatchNormalization: r' = momentum·r + (1 − momentum)·b.
 */
function withShare(g: GraphBuilder, running: Value, batch: Value, share: number): Value {
  if (Math.abs(share - runningShare) < 1e-6) return batch; // momentum is a float32 in files
  const way = g.node("Mul", [g.node("Sub", [batch, running]), g.scalar(share / runningShare)]);
  return g.node("Add", [running, way]);
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

/** The entry that must be there. */
export function mustGet<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`${name} is missing`);
  return found;
}
