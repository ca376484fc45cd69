import { type Shaped, shaped, sizeOf } from "../../base/index.ts";
import { intOf } from "../attributes.ts";
import type { Graph, Node } from "../graph.ts";
import { operatorKey } from "../graph.ts";
import { liveNodes, readBy } from "./live.ts";

/** Channels of the widest block that ONNX Runtime's processors have (AVX-512); the others divide it. */
const wholeBlock = 16;

/**
 * The graph with the channels between two convolutions filled up to whole blocks by zeros, where nothing but a Relu or a
 * Clip that leaves zero alone lies between. ONNX Runtime's blocked convolutions take no other number of input channels: a
 * convolution of nine (three windows of three slices) would wait for its input to be put back in order. For inference; the
 * answers stay, to rounding.
 */
export function fillBlocks(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of readBy(node)) readers.set(name, [...(readers.get(name) ?? []), node]);
  const shown = new Set(graph.outputs.map(({ name }) => name));
  const replaced = new Map<Node, Node>();
  const keep = (hint: string, value: Shaped): string => {
    let name = `${hint}_filled`;
    for (let count = 1; types.has(name); count++) name = `${hint}_filled_${count}`;
    constants.set(name, value);
    types.set(name, { element: "float32", shape: value.shape });
    return name;
  };
  for (const node of graph.nodes) {
    const now = replaced.get(node) ?? node; // its own input may have been filled
    const weight = plainWeight(now, constants);
    const channels = weight?.shape[0] ?? 0;
    if (weight === undefined || channels % wholeBlock === 0 || channels < wholeBlock / 2) continue;
    const between = passedOn(node, { readers, shown, constants });
    const next = between?.next;
    const nextWeight = next && plainWeight(next, constants);
    if (between === undefined || next === undefined || nextWeight === undefined) continue;
    const filled = Math.ceil(channels / wholeBlock) * wholeBlock;
    const [x = "", w = "", b = ""] = now.inputs;
    const bias = b === "" ? [] : [keep(b, fill(constants.get(b)!, 0, filled))];
    replaced.set(node, { ...now, inputs: [x, keep(w, fill(weight, 0, filled)), ...bias] });
    const reader = replaced.get(next) ?? next;
    const [y = "", nextName = "", ...more] = reader.inputs;
    replaced.set(next, { ...reader, inputs: [y, keep(nextName, fill(nextWeight, 1, filled)), ...more] });
    for (const name of between.names) {
      const type = types.get(name);
      if (type !== undefined) types.set(name, { ...type, shape: type.shape.with(1, filled) });
    }
  }
  return liveNodes({ ...graph, nodes: graph.nodes.map((node) => replaced.get(node) ?? node), constants, types });
}

/** The weight of a convolution in one group whose weight and bias are constants of float32; `undefined` for other nodes. */
function plainWeight(node: Node, constants: Graph["constants"]): Shaped | undefined {
  if (operatorKey(node) !== "Conv" || intOf(node.attributes, "group", 1) !== 1) return undefined;
  const [, weight = "", bias = ""] = node.inputs;
  const value = constants.get(weight);
  return value?.data instanceof Float32Array && (bias === "" || constants.has(bias)) ? value : undefined;
}

interface Surroundings {
  readonly readers: ReadonlyMap<string, readonly Node[]>;
  readonly shown: ReadonlySet<string>;
  readonly constants: Graph["constants"];
}

/** The one convolution that reads a node's output, as it is or through nodes that leave zero alone; names of what lies between. */
function passedOn(
  node: Node,
  { readers, shown, constants }: Surroundings,
): { readonly next: Node; readonly names: readonly string[] } | undefined {
  const names: string[] = [];
  for (let at = node; ; ) {
    const [name = ""] = at.outputs;
    const [reader, ...others] = readers.get(name) ?? [];
    if (reader === undefined || others.length > 0 || shown.has(name) || reader.inputs[0] !== name) return undefined;
    names.push(name);
    if (operatorKey(reader) === "Conv") return { next: reader, names };
    if (!leavesZero(reader, constants)) return undefined;
    at = reader;
  }
}

function leavesZero(node: Node, constants: Graph["constants"]): boolean {
  if (operatorKey(node) === "Relu") return true;
  if (operatorKey(node) !== "Clip") return false;
  const bound = (index: number, absent: number) => {
    const name = node.inputs[index] ?? "";
    return name === "" ? absent : Number(constants.get(name)?.data[0] ?? Number.NaN);
  };
  return bound(1, Number.NEGATIVE_INFINITY) <= 0 && bound(2, Number.POSITIVE_INFINITY) >= 0;
}

/** An array made longer along an axis by zeros. */
function fill({ data, shape }: Shaped, axis: number, length: number): Shaped {
  const longer = shape.with(axis, length);
  const [row, longRow] = [sizeOf(shape.slice(axis)), sizeOf(longer.slice(axis))];
  const filled = new Float32Array(sizeOf(longer));
  for (let at = 0; at * row < data.length; at++) {
    filled.set(Float32Array.from(data.subarray(at * row, (at + 1) * row) as Float32Array), at * longRow);
  }
  return shaped(filled, longer);
}
