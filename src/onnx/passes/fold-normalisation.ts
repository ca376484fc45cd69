import { type Shaped, shaped, sizeOf } from "../../base/index.ts";
import { floatOf, intOf } from "../attributes.ts";
import type { Attributes, Graph, Node, ValueType } from "../graph.ts";
import { operatorKey } from "../graph.ts";
import { liveNodes, readBy } from "./live.ts";

/** y = scale·x + shift, a number a channel. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/**
 * The graph with each BatchNormalization of constants folded into the Conv or Gemm of constants before it, where nothing
 * else reads what lies between: the weights are scaled, the bias is shifted, a node and a pass over memory are saved.
 * For inference; outputs move by rounding.
 */
export function foldBatchNormalization(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, number>();
  const read = [...graph.nodes.flatMap(readBy), ...graph.outputs.map(({ name }) => name)];
  for (const name of read) readers.set(name, (readers.get(name) ?? 0) + 1);
  const replaced = new Map<Node, Node>();
  const gone = new Set<Node>();
  const fresh = (hint: string, value: Shaped): string => {
    let name = hint;
    for (let count = 1; types.has(name); count++) name = `${hint}_${count}`;
    constants.set(name, value);
    types.set(name, { element: "float32", shape: value.shape });
    return name;
  };

  for (const node of graph.nodes) {
    const [input = "", ...statistics] = node.inputs;
    const before = makers.get(input);
    if (operatorKey(node) !== "BatchNormalization" || before === undefined || readers.get(input) !== 1) continue;
    const affine = affineOf(
      node,
      statistics.map((name) => constants.get(name)),
    );
    const row = absorbers[operatorKey(before)];
    if (affine === undefined || row === undefined || types.get(before.inputs[0]!)?.element !== "float32") continue;
    const absorbed = row({ node: before, constants, types, affine });
    if (absorbed === undefined) continue;
    const [x = ""] = before.inputs;
    const names = [x, fresh(`${node.name}_weight`, absorbed.weight), fresh(`${node.name}_bias`, absorbed.bias)];
    replaced.set(before, { ...before, inputs: names, outputs: [node.outputs[0]!], attributes: absorbed.attributes });
    gone.add(node);
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => replaced.get(node) ?? node);
  return liveNodes({ ...graph, nodes, constants, types });
}

/** scale = γ/√(σ² + ε), shift = β − μ·scale (Ioffe and Szegedy 2015), where all four are constants. */
function affineOf(node: Node, statistics: readonly (Shaped | undefined)[]): Affine | undefined {
  const [gamma, beta, mean, variance] = statistics.map((one) => one && Array.from(one.data, Number));
  if (intOf(node.attributes, "training_mode", 0) === 1) return undefined;
  if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined) return undefined;
  const epsilon = floatOf(node.attributes, "epsilon", 1e-5);
  const scale = Float64Array.from(gamma, (one, channel) => one / Math.sqrt(variance[channel]! + epsilon));
  return { scale, shift: scale.map((one, channel) => beta[channel]! - mean[channel]! * one) };
}

interface Absorption {
  readonly node: Node;
  readonly constants: ReadonlyMap<string, Shaped>;
  readonly types: ReadonlyMap<string, ValueType>;
  readonly affine: Affine;
}

interface Absorbed {
  readonly weight: Shaped;
  readonly bias: Shaped;
  readonly attributes: Attributes;
}

/** Weights and bias of a node that takes the affine map over, or nothing where they are no constants. */
type Absorber = (call: Absorption) => Absorbed | undefined;

/** Weights [C, …]: a channel is a row. */
const conv: Absorber = ({ node, constants, affine: { scale, shift } }) => {
  const [weight, bias] = constantsOf(node, constants);
  if (weight === undefined || bias === "unknown") return undefined;
  const row = sizeOf(weight.shape.slice(1));
  return {
    weight: scaled(weight, (index) => scale[Math.floor(index / row)]!),
    bias: vector(
      scale,
      (channel) => (bias === undefined ? 0 : Number(bias.data[channel])) * scale[channel]! + shift[channel]!,
    ),
    attributes: node.attributes,
  };
};

/** Weights [K, C], or [C, K] with transB; a bias that is a number a channel, or one number. */
const gemm: Absorber = ({ node, constants, affine: { scale, shift } }) => {
  const [weight, bias] = constantsOf(node, constants);
  const channels = scale.length;
  if (weight === undefined || bias === "unknown") return undefined;
  if (bias !== undefined && sizeOf(bias.shape) !== 1 && bias.shape.at(-1) !== sizeOf(bias.shape)) return undefined;
  const turned = intOf(node.attributes, "transB", 0) === 1;
  const channelOf = (index: number) => (turned ? Math.floor(index / weight.shape[1]!) : index % channels);
  const beta = floatOf(node.attributes, "beta", 1);
  const biasAt = (channel: number) =>
    bias === undefined ? 0 : beta * Number(bias.data[bias.data.length === 1 ? 0 : channel]);
  const { beta: _, ...attributes } = node.attributes;
  return {
    weight: scaled(weight, (index) => scale[channelOf(index)]!),
    bias: vector(scale, (channel) => biasAt(channel) * scale[channel]! + shift[channel]!),
    attributes,
  };
};

/** One row an operator that can take a normalisation over. */
const absorbers: Readonly<Record<string, Absorber>> = { Conv: conv, Gemm: gemm };

/** Weights and, where there is one, the bias. */
function constantsOf(
  { inputs }: Node,
  constants: ReadonlyMap<string, Shaped>,
): readonly [Shaped | undefined, Shaped | undefined | "unknown"] {
  const [, weight = "", bias = ""] = inputs;
  return [constants.get(weight), bias === "" ? undefined : (constants.get(bias) ?? "unknown")];
}

/** A plain loop: through iterators the ten million numbers of a large network take seconds. */
function scaled({ data, shape }: Shaped, by: (index: number) => number): Shaped {
  const product = new Float32Array(data.length);
  for (let index = 0; index < data.length; index++) product[index] = Number(data[index]) * by(index);
  return shaped(product, shape);
}

const vector = (like: Float64Array, at: (channel: number) => number): Shaped =>
  shaped(
    Float32Array.from(like, (_, channel) => at(channel)),
    [like.length],
  );
