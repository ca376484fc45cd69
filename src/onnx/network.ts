import { type Shaped, shaped, sizeOf } from "../base/index.ts";
import { int } from "./attributes.ts";
import { buildGraph } from "./builder.ts";
import {
  type Graph,
  type Initial,
  type Model,
  type Network,
  type Node,
  onnxDomain,
  operatorKey,
  type Parameter,
} from "./graph.ts";
import { liveNodes } from "./passes/live.ts";

/** How a model becomes a network. */
export interface ImportOptions {
  /** The output that is trained; the model's first one where it is left out. */
  readonly output?: string;
}

/**
 * A model from elsewhere as a network that can be trained: weights (float32 initializers with an axis, but for those that
 * set an operator, such as Resize's scales) become parameters that start at their values, running statistics of batch
 * normalisation become buffers, and the chosen output is called `slice_logits`. Batch normalisation and dropout that were
 * exported in training mode are put into the form of inference: training programs write the other one themselves. The
 * batch must have a length (`readModel` with `lengths`).
 */
export function networkFromModel(
  { graph }: Pick<Model, "graph">,
  { output = graph.outputs[0]?.name ?? "" }: ImportOptions = {},
): Network {
  const shown = graph.outputs.find(({ name }) => name === output);
  if (shown === undefined) {
    throw new Error(
      `the model has no output ${output}: its outputs are ${graph.outputs.map(({ name }) => name).join(", ")}`,
    );
  }
  const separate = ownWeights(graph);
  const live = inferring(liveNodes({ ...separate, outputs: [shown] }));
  const statistics = new Set(live.nodes.filter(isNormalisation).flatMap(({ inputs }) => inputs.slice(3, 5)));
  const used = new Set(live.nodes.flatMap(({ inputs }) => inputs));
  const setting = new Set(live.nodes.flatMap(settingsOf));
  const weights = [...live.constants].filter(
    ([name, value]) => used.has(name) && isWeight(value) && !setting.has(name) && !graph.literals?.has(name),
  );
  const parameters = weights.filter(([name]) => !statistics.has(name)).map(parameterOf);
  const buffers = weights.filter(([name]) => statistics.has(name)).map(parameterOf);
  const held = new Map([...parameters, ...buffers].map(({ name, shape }) => [name, shape]));
  const g = buildGraph(live.name, {
    ...live,
    inputs: [
      ...live.inputs,
      ...[...held].map(([name, shape]) => ({ name, type: { element: "float32", shape } as const })),
    ],
    constants: new Map([...live.constants].filter(([name]) => !held.has(name))),
  });
  g.output(shown, "slice_logits");
  return { graph: g.finish(), parameters, buffers };
}

/** A graph whose batch normalisations and dropouts are out of training. Throws where what only training gives is read. */
function inferring(graph: Graph): Graph {
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const nodes = graph.nodes.map((node) => {
    const key = operatorKey(node);
    if (key !== "BatchNormalization" && key !== "Dropout") return node;
    const also = node.outputs.slice(1).find((name) => read.has(name));
    if (also !== undefined) throw new Error(`${node.name}: its output ${also} is of training only, and is read`);
    const { training_mode: _, ...attributes } = node.attributes;
    const inputs = key === "Dropout" ? node.inputs.slice(0, 2) : node.inputs;
    return { ...node, inputs, attributes, outputs: node.outputs.slice(0, 1) };
  });
  return { ...graph, nodes };
}

const isNormalisation = (node: Node) => operatorKey(node) === "BatchNormalization";

/** Inputs that set what an operator does, by position; one row an operator that has some in float32. */
const settings: Readonly<Record<string, readonly number[]>> = {
  Clip: [1, 2],
  Dropout: [1],
  Pad: [2],
  Resize: [1, 2],
};

const settingsOf = (node: Node) => (settings[operatorKey(node)] ?? []).flatMap((index) => node.inputs[index] || []);

const isWeight = ({ data, shape }: Shaped) => data instanceof Float32Array && shape.length > 0;

const parameterOf = ([name, value]: readonly [string, Shaped]): Parameter => ({
  name,
  shape: value.shape,
  initial: valuesOf(value),
  decay: value.shape.length > 1 ? "decay" : "none",
});

function valuesOf({ data }: Shaped): Initial {
  if (data instanceof Float32Array) return { kind: "values", values: data };
  throw new Error("only float32 weights are trained");
}

/**
 * Each copy of a weight becomes a weight of its own: PyTorch's exporter merges tensors that happen to be equal (biases
 * that are all zero) into one with Identity nodes, and they must not move together.
 */
function ownWeights(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.filter(({ op, domain, inputs: [from = ""], outputs: [to = ""] }) => {
    const value = graph.constants.get(from);
    if (op !== "Identity" || domain !== onnxDomain || value === undefined || !isWeight(value)) return true;
    constants.set(to, value);
    return false;
  });
  return { ...graph, nodes, constants };
}

/**
 * A network with another last layer: what its last dense layer (Gemm, or MatMul with Add) read goes into a new one with
 * `outputs` logits, called `name`.
 */
export function replaceHead(
  network: Network,
  { outputs, name = "head" }: { readonly outputs: number; readonly name?: string },
): Network {
  const { graph } = network;
  const features = featuresOf(network);
  const from = Number(features.type.shape.at(-1));
  const initial = { kind: "uniform", bound: 1 / Math.sqrt(from) } as const; // PyTorch's Linear
  const weight: Parameter = { name: `${name}.weight`, shape: [outputs, from], initial, decay: "decay" };
  const bias: Parameter = { name: `${name}.bias`, shape: [outputs], initial, decay: "none" };
  const body = liveNodes({ ...graph, outputs: [features] });
  const read = new Set(body.nodes.flatMap((node) => node.inputs));
  const inputs = body.inputs.filter((input) => read.has(input.name));
  const made = body.nodes.flatMap((node) => node.outputs);
  const alive = new Set([...inputs.map((input) => input.name), ...body.constants.keys(), ...made]);
  const types = new Map([...body.types].filter(([value]) => alive.has(value)));
  const g = buildGraph(graph.name, { ...body, inputs, types });
  const [w, b] = [weight, bias].map((one) => g.input(one.name, { element: "float32", shape: one.shape }));
  g.output(g.node("Gemm", [features, w, b], { transB: int(1) }, { names: ["slice_logits"] }), "slice_logits");
  const kept = (held: readonly Parameter[]) => held.filter((one) => alive.has(one.name));
  return { graph: g.finish(), parameters: [...kept(network.parameters), weight, bias], buffers: kept(network.buffers) };
}

/** What the last dense layer reads. */
function featuresOf({ graph }: Network) {
  const made = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  let name = "slice_logits";
  for (let node = made.get(name); node !== undefined; node = made.get(name)) {
    const [first = "", second = ""] = node.inputs;
    if (node.op === "Gemm" || node.op === "MatMul") {
      const type = graph.types.get(first);
      if (type !== undefined && type.shape.length === 2) return { name: first, type };
      break;
    }
    if (node.op !== "Identity" && node.op !== "Add") break;
    name = made.has(first) ? first : second;
  }
  const end = made.get(name);
  throw new Error(
    `the network does not end in a dense layer but in ${end?.name ?? name} (${end?.op ?? "an input"}): name the output of its features instead`,
  );
}

/** The numbers of a network as the constants of its graph, as a file for others has them. */
export function withConstants(
  network: Network,
  state: { readonly parameters: Float32Array; readonly buffers: Float32Array },
): Graph {
  const constants = new Map(network.graph.constants);
  for (const [vector, arrays] of [
    [state.parameters, network.parameters],
    [state.buffers, network.buffers],
  ] as const) {
    let offset = 0;
    for (const { name, shape } of arrays) {
      constants.set(name, shaped(vector.slice(offset, offset + sizeOf(shape)), shape));
      offset += sizeOf(shape);
    }
  }
  return { ...network.graph, inputs: network.graph.inputs.filter(({ name }) => !constants.has(name)), constants };
}
