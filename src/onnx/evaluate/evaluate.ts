import type { Shaped } from "../../base/index.ts";
import { type Graph, type GraphFunction, type Model, type Node, operatorKey, opset } from "../graph.ts";
import { resolved } from "../inline.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { type Evaluations, widen } from "./evaluation.ts";
import { indexing } from "./indexing.ts";
import { linear } from "./linear.ts";
import { movement } from "./movement.ts";
import { normalisation } from "./normalisation.ts";
import { pooling } from "./pooling.ts";
import { recurrences } from "./recurrent.ts";
import { reduction } from "./reduction.ts";
import { resizing } from "./resize.ts";
import { shape } from "./shape.ts";

/** One row an operator, by operator key; they stand in files by kind of operator. */
export const evaluations: Evaluations = {
  ...convolution,
  ...elementwise,
  ...indexing,
  ...linear,
  ...movement,
  ...normalisation,
  ...pooling,
  ...recurrences,
  ...reduction,
  ...resizing,
  ...shape,
};

type Values = Map<string, Shaped>;

/** What a graph's nodes may call, by operator key, and the opset they mean. */
interface Surroundings {
  readonly functions: ReadonlyMap<string, GraphFunction>;
  readonly opset: number;
}

/**
 * Computes a graph in TypeScript, slowly and in double precision: what gradients are checked against, and what folds
 * constants. Floats of any declared type are computed and answered as Float64Array; integers keep their kind, bool is
 * Uint8Array. Model-local functions run by their bodies. Throws where a feed is missing or an operator has no row.
 */
export function evaluateGraph(
  { graph, functions }: Pick<Model, "graph" | "functions">,
  feeds: Readonly<Record<string, Shaped>>,
): Readonly<Record<string, Shaped>> {
  const values: Values = new Map();
  for (const [name, value] of graph.constants) values.set(name, widen(value));
  for (const { name } of graph.inputs) {
    const value = feeds[name];
    if (value === undefined) throw new Error(`the input ${name} of graph ${graph.name} is not fed`);
    values.set(name, widen(value));
  }
  runNodes(graph.nodes, values, surroundingsOf(graph, functions));
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, valueCalled(values, name)]));
}

/** The outputs of one node from its inputs' numbers. */
export function evaluateNode(
  node: Node,
  inputs: readonly (Shaped | undefined)[],
  surroundings: Surroundings = { functions: new Map(), opset },
): readonly Shaped[] {
  const key = operatorKey(node);
  const body = surroundings.functions.get(key);
  if (body !== undefined) return runFunction(body, { node, inputs, surroundings });
  const row = evaluations[key];
  if (row !== undefined) return row({ node, inputs, opset: surroundings.opset });
  throw new Error(`${node.name}: ${key} is not evaluated: add a row to a table in src/onnx/evaluate`);
}

const surroundingsOf = (graph: Graph, functions: readonly GraphFunction[]): Surroundings => ({
  functions: new Map(functions.map((body) => [operatorKey({ domain: body.domain, op: body.name }), body])),
  opset: graph.opset ?? opset,
});

function runNodes(nodes: readonly Node[], values: Values, surroundings: Surroundings): void {
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : valueCalled(values, name)));
    const outputs = evaluateNode(node, inputs, surroundings);
    node.outputs.forEach((name, index) => {
      const value = outputs[index];
      if (name === "") return;
      if (value === undefined) throw new Error(`${node.name}: ${node.op} has no output ${index}`);
      values.set(name, value);
    });
  }
}

interface FunctionCall {
  readonly node: Node;
  readonly inputs: readonly (Shaped | undefined)[];
  readonly surroundings: Surroundings;
}

function runFunction(body: GraphFunction, { node, inputs, surroundings }: FunctionCall): readonly Shaped[] {
  const values: Values = new Map();
  body.inputs.forEach((name, index) => {
    const value = inputs[index];
    if (value !== undefined) values.set(name, value);
  });
  const nodes = body.nodes.map((inner) => ({
    ...inner,
    inputs: inner.inputs.map((name) => (body.inputs.includes(name) && !values.has(name) ? "" : name)),
    attributes: resolved(inner.attributes, { ...body.defaults, ...node.attributes }),
  }));
  runNodes(nodes, values, surroundings);
  return body.outputs.map((name) => valueCalled(values, name));
}

function valueCalled(values: Values, name: string): Shaped {
  const value = values.get(name);
  if (value === undefined) throw new Error(`no value is called ${name}`);
  return value;
}
