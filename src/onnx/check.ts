import { fail, ok, type Result } from "../base/index.ts";
import { type Dimension, type Graph, type Model, type Node, onnxDomain, operatorKey, type ValueType } from "./graph.ts";
import { Refusal } from "./refusal.ts";
import { inferTypes } from "./shapes.ts";

/** Attributes without which an operator means nothing (ONNX operators, "Attributes", required). */
const required: Readonly<Record<string, readonly string[]>> = {
  AveragePool: ["kernel_shape"],
  Cast: ["to"],
  Concat: ["axis"],
  DepthToSpace: ["blocksize"],
  Einsum: ["equation"],
  GroupNormalization: ["num_groups"],
  If: ["then_branch", "else_branch"],
  Loop: ["body"],
  LpPool: ["kernel_shape"],
  LRN: ["size"],
  MaxPool: ["kernel_shape"],
  RandomNormal: ["shape"],
  RandomUniform: ["shape"],
  Scan: ["body", "num_scan_inputs"],
  SpaceToDepth: ["blocksize"],
};

/**
 * A model whose graph is whole: every value is made once and before it is read, calls of functions have a body,
 * required attributes are there, and the types that the graph declares are those that inference finds.
 * Problem: "model refused", naming the first node that is not so.
 */
export function checkModel(model: Pick<Model, "graph" | "functions">, where: string): Result<Graph> {
  try {
    checkNames(model.graph);
    checkCalls(model);
    checkTypes(model.graph);
    return ok(model.graph);
  } catch (error) {
    if (error instanceof Refusal) return fail(error.at(where));
    throw error;
  }
}

const refusal = (got: string, expected: string) => new Refusal({ got, expected, next: "export the network again" });

const called = (node: Node) => `node ${node.name} (${operatorKey(node)})`;

/** Throws a Refusal where a value is made twice, or read before it is made. */
export function checkNames(graph: Graph): void {
  const made = new Map<string, string>([...graph.constants.keys()].map((name) => [name, "a constant"]));
  const make = (name: string, by: string) => {
    const before = made.get(name);
    if (before !== undefined) throw refusal(`the value ${name} made twice, by ${before} and ${by}`, "every name once");
    made.set(name, by);
  };
  for (const { name } of graph.inputs) make(name, "an input");
  for (const node of graph.nodes) {
    const missing = node.inputs.find((name) => name !== "" && !made.has(name));
    if (missing !== undefined) {
      throw refusal(`${called(node)}: its input ${missing} is made by no node before it`, "nodes in topological order");
    }
    for (const name of node.outputs) if (name !== "") make(name, called(node));
  }
  const unmade = graph.outputs.find(({ name }) => !made.has(name));
  if (unmade !== undefined) throw refusal(`the output ${unmade.name}, which no node makes`, "outputs of nodes");
}

function checkCalls({ graph, functions }: Pick<Model, "graph" | "functions">): void {
  const bodies = new Set(functions.map(({ domain, name }) => operatorKey({ domain, op: name })));
  for (const node of graph.nodes) {
    const key = operatorKey(node);
    const lacking = required[key]?.find((name) => node.attributes[name] === undefined);
    if (lacking !== undefined) throw refusal(`${called(node)} without its attribute ${lacking}`, "required attributes");
    if (node.domain !== onnxDomain && !bodies.has(key)) {
      throw refusal(`${called(node)}, a function without a body`, "the body of every function in the model");
    }
  }
}

/** Declared types beside inferred ones; a function's are taken as they are declared. */
function checkTypes(graph: Graph): void {
  const types = new Map(graph.types);
  for (const { name, type } of graph.inputs) types.set(name, type);
  for (const node of graph.nodes.filter(({ domain }) => domain === onnxDomain)) {
    for (const [index, inferred] of typesOf(node, graph, types).entries()) {
      const name = node.outputs[index] ?? "";
      const declared = graph.types.get(name);
      if (declared !== undefined && !agree(declared, inferred)) {
        throw refusal(`${called(node)}: ${name} declared as ${written(declared)}`, `${written(inferred)}`);
      }
      types.set(name, inferred);
    }
  }
}

function typesOf(node: Node, { constants }: Graph, types: ReadonlyMap<string, ValueType>): readonly ValueType[] {
  const inputs = node.inputs.map((name) => {
    if (name === "") return undefined;
    const type = types.get(name);
    if (type === undefined)
      throw refusal(`${called(node)}: the type of ${name} is not known`, "the type of every value");
    return { name, type };
  });
  const call = { key: operatorKey(node), inputs, attributes: node.attributes, constants, outputs: node.outputs.length };
  try {
    return inferTypes(call);
  } catch (error) {
    throw refusal(`${called(node)}: ${error instanceof Error ? error.message : String(error)}`, "inputs that fit");
  }
}

const written = ({ element, shape }: ValueType) => `${element}[${shape.join(", ")}]`;

/** A named length agrees with any: it is a promise about the running time. */
const agree = (a: ValueType, b: ValueType) =>
  a.element === b.element &&
  a.shape.length === b.shape.length &&
  a.shape.every((length, axis) => lengthsAgree(length, b.shape[axis]!));

const lengthsAgree = (a: Dimension, b: Dimension) => typeof a === "string" || typeof b === "string" || a === b;
