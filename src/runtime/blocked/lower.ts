import { type Shaped, shaped, sizeOf } from "../../base/index.ts";
import {
  buildGraph,
  type Graph,
  type GraphBuilder,
  int,
  intOf,
  liveNodes,
  type Model,
  type Node,
  onnxDomain,
  operatorKey,
  type Program,
  type Slot,
  slidingOf,
  staticShape,
  type Value,
} from "../../onnx/index.ts";
import { fromLayout, toLayout } from "./convert.ts";
import { type ConvShape, convFits } from "./convolution.ts";
import { type Held, hold } from "./held.ts";
import { type HeldSlot, holdSlots, type Layout, packVector, padTo, unpackVector, type VectorView } from "./layout.ts";
import { moveMomentum } from "./momentum.ts";
import { blockedDomain, dims, padAxis, toBlocked, view } from "./operators.ts";
import { probeBlock } from "./probe.ts";
import type { Lowering } from "./rule.ts";
import { lowerings, weightGradShape } from "./rules.ts";
import { isWinograd } from "./winograd.ts";

/** A program rewritten for one processor: the same inputs and outputs, state held in another layout. */
export interface LoweredProgram {
  readonly model: Model;
  /** Channels a block. */
  readonly block: number;
  /** A plain state vector as the lowered graph wants it. */
  pack(vector: string, plain: Float32Array): Float32Array;
  /** A state vector of the lowered graph in plain layout. */
  unpack(vector: string, held: Float32Array): Float32Array;
  /** Inputs that are parts of a state vector: views of its memory, so that nothing is copied. */
  readonly views: readonly VectorView[];
}

/** Lowers a program for this machine's processor; undefined where it has no blocked operators. */
export async function lowerForCpu(program: Program): Promise<LoweredProgram | undefined> {
  const block = await probeBlock();
  return block === undefined ? undefined : lowerProgram(program, block);
}

/**
 * Rewrites a training step so that tensors and parameters stay in ONNX Runtime's blocked layout from end to end. The
 * nodes are walked once; a node with a row in `lowerings` is rewritten, any other runs as it stands on plain values, and
 * a reorder is put where the two meet. The rewritten graph gives the same numbers to rounding.
 */
export function lowerProgram(program: Program, block: number): LoweredProgram {
  const { graph, functions, metadata } = program.model;
  const filters = blockedFilters(graph, block);
  const slots = holdSlots(program.slots, (slot) => slotLayout(graph, slot, filters), block);
  const buffers = holdSlots(program.buffers, () => "channels", block);
  const g = buildGraph(graph.name, graph.opset === undefined ? {} : { opset: graph.opset });
  const state = openState(g, graph, { filters, block });
  declareInputs(state, { program, slots, buffers });
  for (const node of graph.nodes) {
    if (state.absorbed.has(node)) continue;
    // A copy is the value itself; ONNX Runtime writes over no value that is still read.
    if (operatorKey(node) === "Identity") {
      state.values.set(node.outputs[0]!, state.held(node.inputs[0]!));
      continue;
    }
    if (takeApart(state, node, { slots, buffers }) || putTogether(state, node, { slots, buffers })) continue;
    if (lowerings[operatorKey(node)]?.(state, node) !== "lowered") keep(state, node);
  }
  for (const { name } of graph.outputs) g.output(state.plain(name), name);
  const lowered = liveNodes(nameOutputs(g.finish()));
  const called = new Set(lowered.nodes.filter(({ domain }) => domain !== onnxDomain).map(({ op }) => op));
  const slotsOf = (vector: string) => (vector === "buffers" ? buffers : slots);
  return {
    model: { graph: lowered, functions: functions.filter(({ name }) => called.has(name)), metadata },
    block,
    pack: (vector, plain) => packVector(plain, slotsOf(vector), block),
    unpack: (vector, held) => unpackVector(held, slotsOf(vector), block),
    views: [...viewsOf(graph, lowered, { parameters: slots, buffers }), ...state.parts],
  };
}

/**
 * A forward graph of fixed shapes with constant weights in blocked form; undefined where it is not worth it: where a
 * convolution would stay plain, or none goes by Winograd's products. ONNX Runtime's own optimiser blocks the others.
 */
export function lowerForward(model: Model, block: number): Model | undefined {
  const known = [...model.graph.types.values()].every(({ shape }) =>
    shape.every((length) => typeof length === "number"),
  );
  if (!known || model.functions.length > 0) return undefined;
  const none = { vectors: [], updated: [], slots: [], buffers: [], feeds: [] };
  const lowered = lowerProgram({ model, ...none }, block).model;
  const convolutions = lowered.graph.nodes.filter(({ op }) => op === "Conv");
  const blocked = convolutions.every(({ domain }) => domain === blockedDomain);
  return blocked && convolutions.some(isWinograd) ? lowered : undefined;
}

/** A constant filter as its convolution wants it. */
function packConstant({ data, shape }: Shaped<Float32Array>, { filter, block }: ConvShape): Shaped {
  const slots = holdSlots([{ name: "filter", shape, offset: 0 }], () => filter, block);
  return shaped(packVector(data, slots, block), slots[0]!.shape);
}

/** The pieces of `parameters` and `buffers` that the lowered graph reads as inputs. */
function viewsOf(
  graph: Graph,
  lowered: Graph,
  held: Readonly<Record<"parameters" | "buffers", readonly HeldSlot[]>>,
): LoweredProgram["views"] {
  const wanted = new Set(lowered.inputs.map(({ name }) => name));
  return (["parameters", "buffers"] as const).flatMap((vector) => {
    const split = graph.nodes.find((node) => node.op === "Split" && node.inputs[0] === vector);
    return held[vector].flatMap(({ offset, length }, index) => {
      const name = split?.outputs[index] ?? "";
      return wanted.has(name) ? [{ name, vector, offset, length }] : [];
    });
  });
}

/** Gives outputs that are copies of computed values the place of those values: a copy of all state costs a pass. */
function nameOutputs(graph: Graph): Graph {
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const shown = new Set(graph.outputs.map(({ name }) => name));
  const renamed = new Map<string, string>();
  const copies = graph.nodes.filter(({ op, inputs: [from = ""], outputs: [to = ""] }) => {
    if (op !== "Identity" || !shown.has(to) || !made.has(from) || shown.has(from) || renamed.has(from)) return false;
    renamed.set(from, to);
    return true;
  });
  const rename = (name: string) => renamed.get(name) ?? name;
  const nodes = graph.nodes
    .filter((node) => !copies.includes(node))
    .map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
  return { ...graph, nodes };
}

/** Filters whose convolutions all have blocked forms, by the name of the parameter. */
function blockedFilters(graph: Graph, block: number): ReadonlyMap<string, ConvShape> {
  const found = new Map<string, ConvShape | "plain">();
  const images = imagesOf(graph);
  for (const node of graph.nodes) {
    const [xName = "", name = ""] = node.inputs;
    if (operatorKey(node) !== "Conv") continue;
    const [x, w] = [typeOf(graph, xName), typeOf(graph, name)].map(staticShape);
    const image = images.has(xName);
    const fit = convFits(
      { x: x!, w: w!, ...slidingOf(node, w!.slice(2), x!.slice(2)), group: intOf(node.attributes, "group", 1), image },
      block,
    );
    // A constant on a plain image runs as it is given (`windowConv`).
    const constant = graph.constants.get(name);
    if (constant !== undefined && (fit?.filter === "image" || !(constant.data instanceof Float32Array))) continue;
    const same = found.get(name);
    found.set(
      name,
      same === undefined ? (fit ?? "plain") : same !== "plain" && same.filter === fit?.filter ? same : "plain",
    );
  }
  return new Map([...found].filter((entry): entry is [string, ConvShape] => entry[1] !== "plain"));
}

/** Inputs of the graph, and the same once more for a second computation. */
function imagesOf({ inputs, nodes }: Graph): ReadonlySet<string> {
  const images = new Set(inputs.map(({ name }) => name));
  for (const node of nodes)
    if (operatorKey(node) === "ichor:After" && images.has(node.inputs[0]!)) images.add(node.outputs[0]!);
  return images;
}

/** A parameter's layout follows from who reads it: blocked filters, vectors a channel, the rest plain. */
function slotLayout(graph: Graph, { name }: Slot, filters: ReadonlyMap<string, ConvShape>): Layout {
  const filter = filters.get(name);
  if (filter !== undefined) return filter.filter;
  const channelwise = graph.nodes.some(
    (node) =>
      (node.op === "BatchNormalizationTraining" && node.inputs.slice(1, 3).includes(name)) ||
      (operatorKey(node) === "Conv" && node.inputs[2] === name && filters.has(node.inputs[1] ?? "")),
  );
  return channelwise ? "channels" : "plain";
}

interface State extends Lowering {
  readonly graph: Graph;
  readonly values: Map<string, Held>;
  readonly absorbed: Set<Node>;
  /** Parts of state vectors that the update reads as inputs of their own. */
  readonly parts: VectorView[];
}

function openState(
  g: GraphBuilder,
  graph: Graph,
  { filters, block }: { readonly filters: ReadonlyMap<string, ConvShape>; readonly block: number },
): State {
  const values = new Map<string, Held>();
  const converted = new Map<string, Value>();
  const absorbed = new Set<Node>();
  const parts: VectorView[] = [];
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  const shown = new Set(graph.outputs.map(({ name }) => name));
  const images = imagesOf(graph);
  const stays = new Set([...images, ...graph.constants.keys()]);
  const position = new Map(graph.nodes.map((node, index) => [node, index]));
  const once = (name: string, to: Layout, convert: (value: Value, held: Held) => Value): Value => {
    const held = state.held(name);
    if (held.layout === to) return held.write();
    const key = `${to} ${name}`;
    const known = converted.get(key) ?? convert(held.write(), held);
    converted.set(key, known);
    return known;
  };
  const state: State = {
    g,
    graph,
    block,
    values,
    absorbed,
    parts,
    typeOf: (name) => typeOf(graph, name),
    held(name) {
      const known = values.get(name);
      if (known !== undefined) return known;
      const constant = graph.constants.get(name);
      if (constant === undefined) throw new Error(`${name} is read before it is made`);
      state.bind(name, g.constant(constant), "plain");
      return state.held(name);
    },
    plain: (name) => once(name, "plain", (value, held) => fromLayout(g, value, { ...held, block })),
    blocked: (name) => once(name, "blocked", (value) => toBlocked(g, value, block)),
    channels: (name) =>
      once(name, "channels", (value) => padAxis(g, value, { axis: 0, length: padTo(dims(value)[0]!, block) })),
    filter(name) {
      const shape = filters.get(name);
      if (shape === undefined) return undefined;
      const constant = graph.constants.get(name);
      if (constant?.data instanceof Float32Array && !values.has(name)) {
        const packed = packConstant(shaped(constant.data, constant.shape), shape);
        state.bind(name, g.constant(packed), shape.filter);
      }
      return { value: state.held(name).write(), shape };
    },
    filterSize(reader, dy) {
      const key = operatorKey(reader);
      const size = (name: string) => sizeOf(staticShape(typeOf(graph, name)));
      if (key === "ichor:ConvInputGrad" && reader.inputs[0] === dy) {
        const filter = filters.get(reader.inputs[1]!);
        return filter === undefined || filter.filter === "image" ? undefined : size(reader.inputs[1]!);
      }
      if (key !== "ichor:ConvWeightGrad" || reader.inputs[1] !== dy) return undefined;
      const image = state.isImage(reader.inputs[0]!);
      return weightGradShape(reader, { typeOf: (name) => typeOf(graph, name), image, block }) === undefined
        ? undefined
        : size(reader.outputs[0]!);
    },
    isImage: (name) => images.has(name),
    constant: (name) => {
      const constant = graph.constants.get(name);
      return constant && Array.from(constant.data, Number);
    },
    bind: (name, value, layout) => values.set(name, hold.value(value, layout, typeOf(graph, name))),
    bindPending: (name, pending) => values.set(name, hold.pending(pending, typeOf(graph, name))),
    bindQuarters: (name, quarters) =>
      values.set(name, hold.quarters(g, quarters, { type: typeOf(graph, name), block })),
    bindScaled: (name, scaled) => values.set(name, hold.scaled(g, scaled, typeOf(graph, name))),
    readers: (name) => (shown.has(name) ? [] : (readers.get(name) ?? [])),
    dies: (name, node) =>
      !shown.has(name) &&
      !stays.has(name) &&
      (readers.get(name) ?? []).every((reader) => position.get(reader)! <= position.get(node)!),
    onlyReader(name) {
      const [only, ...others] = readers.get(name) ?? [];
      return others.length === 0 && !shown.has(name) ? only : undefined;
    },
    absorb: (node) => absorbed.add(node),
  };
  return state;
}

/** The inputs of the program; state vectors have the lengths of their held slots. */
function declareInputs(
  { g, graph, bind }: State,
  {
    program,
    slots,
    buffers,
  }: { readonly program: Program; readonly slots: readonly HeldSlot[]; readonly buffers: readonly HeldSlot[] },
): void {
  const total = (held: readonly HeldSlot[]) => held.reduce((sum, { length }) => sum + length, 0);
  for (const { name, type } of graph.inputs) {
    const length = program.vectors.includes(name) ? total(slots) : name === "buffers" ? total(buffers) : undefined;
    bind(name, g.input(name, length === undefined ? type : { ...type, shape: [length] }), "plain");
  }
}

/** The Split of `parameters` or `buffers`, and the Reshape of each piece: in the held lengths and shapes. */
function takeApart(
  state: State,
  node: Node,
  { slots, buffers }: { readonly slots: readonly HeldSlot[]; readonly buffers: readonly HeldSlot[] },
): boolean {
  const { g } = state;
  if (node.op === "Split" && (node.inputs[0] === "parameters" || node.inputs[0] === "buffers")) {
    // Each piece is an input of its own over the same memory: a Split would copy every parameter in every step.
    for (const [index, { layout, length }] of (node.inputs[0] === "buffers" ? buffers : slots).entries()) {
      const piece = g.input(node.outputs[index]!, { element: "float32", shape: [length] });
      state.bind(piece.name, piece, layout);
    }
    return true;
  }
  const held = [...slots, ...buffers].find(({ slot }) => slot.name === node.outputs[0]);
  if (node.op !== "Reshape" || held === undefined) return false;
  state.bind(held.slot.name, view(g, state.held(node.inputs[0]!).write(), held.shape), held.layout);
  return true;
}

/** The Concat of all gradients, and that of all batch statistics: each piece in the layout of its slot. */
function putTogether(
  state: State,
  node: Node,
  { slots, buffers }: { readonly slots: readonly HeldSlot[]; readonly buffers: readonly HeldSlot[] },
): boolean {
  const [name] = node.outputs;
  if (node.op !== "Concat" || (name !== "gradient" && name !== "batch_statistics")) return false;
  const { g } = state;
  const pieces = (name === "gradient" ? slots : buffers).map((place, index) => {
    const { slot, layout, length } = place;
    const piece = node.inputs[index]!;
    const held = state.held(piece);
    if (held.layout === layout) return { place, value: view(g, held.write(), [length]) };
    // Flat already in plain layout: back in the shape of its slot, to be laid out and flat again.
    const plain = view(g, state.plain(piece), slot.shape);
    if (layout === "blocked") throw new Error(`${piece}: no parameter is held blocked`);
    return { place, value: view(g, toLayout(g, plain, { layout, block: state.block }), [length]) };
  });
  const placed = pieces.sort((a, b) => a.place.offset - b.place.offset);
  if (name === "gradient" && moveMomentum(state, placed) === "lowered") return true;
  const values = placed.map(({ value }) => value);
  state.bind(name, g.node("Concat", values, { axis: int(0) }), "plain");
  return true;
}

/** A node as it stands, on plain values. Composites keep their bodies. */
function keep(state: State, node: Node): void {
  const { g, graph } = state;
  const inputs = node.inputs.map((name) => (name === "" ? undefined : state.plain(name)));
  const types = node.domain === onnxDomain ? {} : { types: node.outputs.map((name) => typeOf(graph, name)) };
  const values = g.nodes(node.op, inputs, node.attributes, { domain: node.domain, ...types });
  for (const [index, name] of node.outputs.entries()) state.bind(name, values[index]!, "plain");
}

function typeOf(graph: Graph, name: string) {
  const type = graph.types.get(name);
  if (type === undefined) throw new Error(`no value is called ${name}`);
  return type;
}
