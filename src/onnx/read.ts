import { fail, ok, type Result, type Shaped, sizeOf } from "../base/index.ts";
import { branchOf, freeNames } from "./branches.ts";
import { checkNames } from "./check.ts";
import { type DecodeOptions, decodeModel } from "./decode.ts";
import { evaluateNode, evaluations } from "./evaluate/evaluate.ts";
import { widen } from "./evaluate/evaluation.ts";
import {
  type Dimension,
  elementOf,
  type Graph,
  type Model,
  type Node,
  onnxDomain,
  operatorKey,
  opset,
  type Value,
  type ValueType,
} from "./graph.ts";
import { inlineFunctions } from "./inline.ts";
import { int64Vector } from "./int64.ts";
import { withPads } from "./pads.ts";
import { Refusal } from "./refusal.ts";
import { inferTypes } from "./shapes.ts";
import { upgradeNode } from "./upgrade.ts";

/** How a model is read. */
export interface ReadOptions extends DecodeOptions {
  /** Lengths of named dimensions, such as { batch: 16 }; those left out stay names. */
  readonly lengths?: Readonly<Record<string, number>>;
}

/**
 * A model from anywhere in the one form that the rest of the house knows: operators as of opset 18, functions inlined,
 * the type of every value inferred, pads written out, and what exporters compute about shapes folded into constants.
 * Weights stay as they are: no arithmetic on them is folded, so that they can be trained. Problems: those of
 * `decodeModel`, and "model refused" naming the node whose types cannot be inferred.
 */
export function readModel(
  bytes: Uint8Array,
  where: string,
  { lengths = {}, ...options }: ReadOptions = {},
): Result<Model> {
  const decoded = decodeModel(bytes, where, options);
  if (decoded.kind === "problem") return decoded;
  try {
    const { graph, metadata } = inlineFunctions(decoded.value);
    checkNames(graph);
    return ok({ graph: normalise(graph, lengths), functions: [], metadata });
  } catch (error) {
    if (error instanceof Refusal) return fail(error.at(where));
    throw error;
  }
}

/** A graph with its named dimensions given lengths, types inferred anew. Throws where a node does not fit them. */
export function bindDimensions(graph: Graph, lengths: Readonly<Record<string, Dimension>>): Graph {
  return normalise(graph, lengths);
}

/** What is known of a small vector or scalar of integers: its numbers, or names of dimensions among them. */
type Known = readonly Dimension[];

interface Reading {
  readonly constants: Map<string, Shaped>;
  readonly types: Map<string, ValueType>;
  /** Integer vectors with named dimensions in them. */
  readonly symbols: Map<string, Known>;
  /** Weights: arithmetic on them is left in the graph. */
  readonly weights: ReadonlySet<string>;
  readonly version: number;
}

function normalise(graph: Graph, lengths: Readonly<Record<string, Dimension>>): Graph {
  const bind = (value: Value): Value => ({
    name: value.name,
    type: {
      element: value.type.element,
      shape: value.type.shape.map((length) => (typeof length === "string" ? (lengths[length] ?? length) : length)),
    },
  });
  const version = graph.opset ?? opset;
  const inputs = graph.inputs.map(bind);
  const reading: Reading = {
    constants: new Map(graph.constants),
    types: new Map([...graph.constants].map(([name, constant]) => [name, constantType(graph, name, constant)])),
    symbols: new Map(),
    weights: new Set(
      [...graph.constants]
        .filter(([name, { data, shape }]) => isFloat(data) && shape.length > 0 && !graph.literals?.has(name))
        .map(([name]) => name),
    ),
    version,
  };
  for (const { name, type } of inputs) reading.types.set(name, type);
  const free = freeNames(graph);
  const fresh = (wanted: string, value: Shaped): string => {
    const name = free.value(wanted);
    reading.constants.set(name, value);
    reading.types.set(name, { element: "int64", shape: value.shape });
    return name;
  };
  const nodes: Node[] = [];
  const take = (node: Node): void => {
    const branch = branchOf(node, reading.constants, free);
    if (branch !== undefined) {
      for (const [name, value] of branch.constants) {
        reading.constants.set(name, value);
        reading.types.set(name, constantType(branch, name, value));
      }
      branch.nodes.forEach(take);
      return;
    }
    naming(node, () => {
      const upgraded = withKnownInputs(upgradeNode(node, version, fresh), reading, fresh);
      if (fold(upgraded, reading)) return;
      nodes.push(
        typed(
          withPads(upgraded, (name) => reading.types.get(name)),
          reading,
        ),
      );
    });
  };
  graph.nodes.forEach(take);
  const outputs = graph.outputs.map(({ name, type }) => ({
    name,
    type: reading.types.get(name) ?? bind({ name, type }).type,
  }));
  const read = new Set([...nodes.flatMap((node) => node.inputs), ...outputs.map(({ name }) => name)]);
  const constants = new Map([...reading.constants].filter(([name]) => read.has(name)));
  const literals = new Set([...constants.keys()].filter((name) => !reading.weights.has(name)));
  return {
    ...graph,
    inputs,
    outputs,
    nodes,
    constants,
    types: reading.types,
    opset: Math.max(opset, version),
    literals,
  };
}

const isFloat = (data: Shaped["data"]) => data instanceof Float32Array || data instanceof Float64Array;

function constantType(graph: Pick<Graph, "types">, name: string, { data, shape }: Shaped): ValueType {
  return { element: graph.types.get(name)?.element ?? elementOf(data), shape };
}

/** Largest result that is folded: shapes, masks and positions, no weights. */
const largestFolded = 2 ** 20;

/** Takes a node out of the graph whose numbers are known now: arithmetic about shapes. */
function fold(node: Node, reading: Reading): boolean {
  return foldSymbols(node, reading) || foldNumbers(node, reading);
}

function foldNumbers(node: Node, reading: Reading): boolean {
  const { constants, types, weights, version } = reading;
  const [output = ""] = node.outputs;
  const key = operatorKey(node);
  if (node.outputs.length !== 1 || evaluations[key] === undefined) return false;
  const given = node.inputs.filter((name) => name !== "");
  if (!given.every((name) => constants.has(name) && !weights.has(name))) return false;
  const [type] = inferred(node, reading);
  if (type === undefined || type.shape.some((length) => typeof length === "string")) return false;
  if (!(sizeOf(type.shape.map(Number)) <= largestFolded)) return false;
  const [value] = evaluateNode(
    node,
    node.inputs.map((name) => (name === "" ? undefined : widen(constants.get(name)!))),
    { functions: new Map(), opset: version },
  );
  if (value === undefined) return false;
  constants.set(output, type.element === "float32" ? { ...value, data: Float32Array.from(value.data, Number) } : value);
  types.set(output, { element: type.element, shape: value.shape });
  return true;
}

/** What a node knows of integers with names in them; one row an operator of shape arithmetic. */
const symbolic: Readonly<Record<string, (node: Node, reading: Reading) => Known | undefined>> = {
  Shape: (node, { types }) => {
    const shape = types.get(node.inputs[0]!)?.shape ?? [];
    const [start, end] = [node.attributes["start"], node.attributes["end"]];
    return shape.slice(start?.kind === "int" ? start.value : 0, end?.kind === "int" ? end.value : undefined);
  },
  Gather: (node, reading) => {
    const [data, at] = [knownOf(node.inputs[0]!, reading), knownOf(node.inputs[1]!, reading)];
    return (
      data &&
      at?.map((index) => {
        const length = data.at(Number(index));
        if (length === undefined) throw new Error(`Gather: index ${index} of ${data.length} lengths`);
        return length;
      })
    );
  },
  Slice: (node, reading) => {
    const [data, start, end, , step] = node.inputs.map((name) => knownOf(name, reading));
    return data === undefined || start === undefined || end === undefined || Number(step?.[0] ?? 1) !== 1
      ? undefined
      : data.slice(Number(start[0]), Number(end[0]));
  },
  Concat: (node, reading) => {
    const parts = node.inputs.map((name) => knownOf(name, reading));
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  },
  Cast: (node, reading) => knownOf(node.inputs[0]!, reading),
  Identity: (node, reading) => knownOf(node.inputs[0]!, reading),
  Squeeze: (node, reading) => knownOf(node.inputs[0]!, reading),
  Unsqueeze: (node, reading) => knownOf(node.inputs[0]!, reading),
};

/** Integers of a constant vector or scalar, or those that are known with names. */
function knownOf(name: string, { constants, symbols }: Reading): Known | undefined {
  const constant = constants.get(name);
  if (constant === undefined) return symbols.get(name);
  return constant.data instanceof BigInt64Array && constant.shape.length < 2
    ? Array.from(constant.data, Number)
    : undefined;
}

function foldSymbols(node: Node, reading: Reading): boolean {
  const [output = ""] = node.outputs;
  if (node.domain !== onnxDomain) return false;
  const known = symbolic[node.op]?.(node, reading);
  if (known === undefined) return false;
  if (known.every((length) => typeof length === "number")) {
    if (node.op !== "Shape") return false; // numbers alone: foldNumbers does it
    reading.constants.set(output, int64Vector(known));
    reading.types.set(output, { element: "int64", shape: [known.length] });
    return true;
  }
  reading.symbols.set(output, known);
  return false; // stays in the graph for whoever else reads it; `withKnownInputs` takes it from Reshape and Expand
}

/** A Reshape or Expand whose lengths are known but for a name gets a constant: −1 for the rest, 1 for what is not stretched. */
function withKnownInputs(node: Node, reading: Reading, fresh: (name: string, value: Shaped) => string): Node {
  const [data = "", shape = ""] = node.inputs;
  const known =
    node.domain === onnxDomain && (node.op === "Reshape" || node.op === "Expand")
      ? reading.symbols.get(shape)
      : undefined;
  if (known === undefined) return node;
  const from = reading.types.get(data)?.shape ?? [];
  const constant = node.op === "Reshape" ? reshapeTo(known, from) : expandTo(known, from);
  if (constant === undefined) return node;
  return { ...node, inputs: [data, fresh(`${node.name}_shape`, int64Vector(constant))] };
}

/** A Reshape's lengths without names: 0 where a length is the input's own, −1 for one other. */
function reshapeTo(known: Known, from: readonly Dimension[]): readonly number[] | undefined {
  const lengths = known.map((length, axis) => (typeof length !== "string" ? length : length === from[axis] ? 0 : -1));
  return lengths.filter((length) => length === -1).length > 1 ? undefined : lengths;
}

/** An Expand's lengths without names: 1 stretches nothing, so it keeps the input's. */
function expandTo(known: Known, from: readonly Dimension[]): readonly number[] | undefined {
  const own = (length: string, axis: number) => from[axis - known.length + from.length] === length;
  if (!known.every((length, axis) => typeof length === "number" || own(length, axis))) return undefined;
  return known.map((length) => (typeof length === "string" ? 1 : length));
}

function inferred(node: Node, { types, constants }: Reading): readonly ValueType[] {
  const inputs = node.inputs.map((name) => {
    if (name === "") return undefined;
    const type = types.get(name);
    if (type === undefined)
      throw new Refusal({
        got: `node ${node.name}: its input ${name} is made by no node before it`,
        expected: "nodes in topological order",
        next: "export the network again",
      });
    return { name, type };
  });
  return inferTypes({
    key: operatorKey(node),
    inputs,
    attributes: node.attributes,
    constants,
    outputs: node.outputs.length,
  });
}

/** The node, with the types of its outputs noted. */
function typed(node: Node, reading: Reading): Node {
  const types = inferred(node, reading);
  for (const [index, name] of node.outputs.entries()) {
    const type = types[index];
    if (name !== "" && type !== undefined) reading.types.set(name, type);
  }
  return node;
}

/** Whatever a node's numbers or types make fail is told with the node. */
function naming<T>(node: Node, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal({
      got: `node ${node.name} (${operatorKey(node)}): ${error instanceof Error ? error.message : String(error)}`,
      expected: "an operator whose shapes follow from its inputs' (src/onnx/shapes)",
      next: "give named dimensions a length, or export the network with fixed sizes",
    });
  }
}
