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
import { type Held, hold, type Part } from "./held.ts";
import { type HeldSlot, holdSlots, type Layout, packVector, padTo, unpackVector, type VectorView } from "./layout.ts";
import { blockedDomain, dims, padAxis, toBlocked, view } from "./operators.ts";
import { probeBlock } from "./probe.ts";
import { lowerings, weightGradShape } from "./rules.ts";
import { placesOfState, putBehind, showParts, type Update, updateByParts } from "./update.ts";
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
  /** Outputs that are the next state of a vector, or a part of it. */
  readonly results: readonly VectorView[];
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
  const vectors = new Map(
    program.vectors.map((name) => [name, program.updated.includes(name) ? "updated" : "fixed"] as const),
  );
  const known = { block, vectors, results: resultsOf(graph), places: placesOfState(slots, block) };
  const state = openState(g, graph, { filters, ...known });
  declareInputs(state, { program, slots, buffers });
  for (const node of graph.nodes) {
    if (state.absorbed.has(node)) continue;
    // A copy is the value itself; ONNX Runtime writes over no value that is still read.
    if (operatorKey(node) === "Identity") {
      state.values.set(node.outputs[0]!, state.held(node.inputs[0]!));
      continue;
    }
    if (takeApart(state, node, { slots, buffers }) || putTogether(state, node, { slots, buffers })) continue;
    if (updateByParts(state, node) === "lowered") continue;
    if (lowerings[operatorKey(node)]?.(state, node) !== "lowered") keep(state, node);
  }
  const results = graph.outputs.flatMap(({ name }) => show(state, name));
  const lowered = withoutIdleState(liveNodes(nameOutputs(g.finish())), state);
  const called = new Set(lowered.nodes.filter(({ domain }) => domain !== onnxDomain).map(({ op }) => op));
  const slotsOf = (vector: string) => (vector === "buffers" ? buffers : slots);
  return {
    model: { graph: lowered, functions: functions.filter(({ name }) => called.has(name)), metadata },
    block,
    pack: (vector, plain) => packVector(plain, slotsOf(vector), block),
    unpack: (vector, held) => unpackVector(held, slotsOf(vector), block),
    views: state.views,
    results,
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

/** The values that a step leaves as its next state, and those of which they are copies. */
function resultsOf({ nodes, outputs }: Graph): ReadonlySet<string> {
  const results = new Set(outputs.map(({ name }) => name));
  for (const { op, inputs, outputs: made } of nodes)
    if (op === "Identity" && results.has(made[0]!)) results.add(inputs[0]!);
  return results;
}

/** Writes an output; the next state of a vector that is held by parts as one output a part. */
function show(state: State, name: string): readonly VectorView[] {
  const { g } = state;
  const vector = ["buffers", ...state.vectors.keys()].find((known) => name === `${known}_next`);
  const { parts } = state.held(name);
  if (vector !== undefined && parts !== undefined) return showParts(state, parts, vector);
  const value = state.plain(name);
  g.output(value, name);
  return vector === undefined ? [] : [{ name, vector, offset: 0, shape: dims(value) }];
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

/** The graph without inputs of the state that nothing reads: each would be handed over in every step. */
function withoutIdleState(graph: Graph, { vectors, views }: State): Graph {
  const idle = new Set(["buffers", ...vectors.keys(), ...views.map(({ name }) => name)]);
  for (const name of graph.nodes.flatMap(({ inputs }) => inputs)) idle.delete(name);
  return { ...graph, inputs: graph.inputs.filter(({ name }) => !idle.has(name)) };
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

interface State extends Update {
  readonly graph: Graph;
  readonly values: Map<string, Held>;
  readonly absorbed: Set<Node>;
}

function openState(
  g: GraphBuilder,
  graph: Graph,
  {
    filters,
    ...known
  }: { readonly filters: ReadonlyMap<string, ConvShape> } & Pick<State, "block" | "vectors" | "results" | "places">,
): State {
  const { block } = known;
  const values = new Map<string, Held>();
  const converted = new Map<string, Value>();
  const absorbed = new Set<Node>();
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
    ...known,
    g,
    graph,
    values,
    absorbed,
    views: [],
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
    bindParts: (name, parts, whole = () => putBehind(state, parts)) =>
      values.set(name, hold.parts(parts, whole, typeOf(graph, name))),
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

/**
 * The Split of `parameters` or `buffers`, and the Reshape of each piece: an input over the same memory, in the held shape.
 * A Split would copy every parameter in every step.
 */
function takeApart(
  state: State,
  node: Node,
  { slots, buffers }: { readonly slots: readonly HeldSlot[]; readonly buffers: readonly HeldSlot[] },
): boolean {
  const [vector = ""] = node.inputs;
  if (node.op === "Split" && (vector === "parameters" || vector === "buffers")) return true;
  const held = [...slots, ...buffers].find(({ slot }) => slot.name === node.outputs[0]);
  if (node.op !== "Reshape" || held === undefined) return false;
  const { slot, layout, offset, shape } = held;
  state.views.push({ name: slot.name, vector: slots.includes(held) ? "parameters" : "buffers", offset, shape });
  state.bind(slot.name, state.g.input(slot.name, { element: "float32", shape }), layout);
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
  const behind = (of: typeof placed) =>
    g.node(
      "Concat",
      of.map(({ value }) => value),
      { axis: int(0) },
    );
  if (name === "gradient" && state.places.length > 0) {
    const parts = state.places.map(({ offset, large, shape }): Part => {
      const own = placed.filter(({ place }) => (large ? place.offset === offset : !place.large));
      return { value: large ? view(g, own[0]!.value, shape) : behind(own) };
    });
    state.bindParts(name, parts, () => behind(placed));
  } else state.bind(name, behind(placed), "plain");
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
