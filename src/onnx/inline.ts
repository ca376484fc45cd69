import {
  type Attribute,
  type Attributes,
  type Graph,
  type GraphFunction,
  type Model,
  type Node,
  operatorKey,
} from "./graph.ts";
import { Refusal } from "./refusal.ts";

/**
 * A model whose calls of model-local functions are replaced by their bodies (ONNX IR, "Functions"), in the graphs that
 * nodes hold too. Values of a body are named after the call, and numbered where that name is taken. Throws a Refusal on
 * a function that calls itself, and on functions whose bodies make more nodes than any network has.
 */
export function inlineFunctions(model: Model): Model {
  const bodies = new Map(model.functions.map((body) => [operatorKey({ domain: body.domain, op: body.name }), body]));
  if (bodies.size === 0) return model;
  const { graph } = model;
  const taken = new Set([
    ...graph.types.keys(),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap((node) => [...node.inputs, ...node.outputs]),
  ]);
  const sizes = new Map([...bodies].map(([key, body]) => [key, placesOf(body.nodes)]));
  const budget = { places: mostPlaces, letters: mostLetters };
  const inlining: Inlining = { bodies, sizes, taken, counts: new Map(), budget, within: [] };
  const nodes = graph.nodes.flatMap((node) => inlined(node, inlining));
  return { ...model, graph: { ...graph, nodes }, functions: [] };
}

/**
 * Nodes with their inputs and outputs, and letters of the names that they get, of all bodies together: more than any
 * network has. Some hundred bytes of functions that call each other twice make 2^depth of them.
 */
const [mostPlaces, mostLetters] = [2 ** 18, 2 ** 25];

/** Functions within functions: exporters nest as deep as modules do, some tens. */
const deepest = 200;

interface Inlining {
  readonly bodies: ReadonlyMap<string, GraphFunction>;
  /** Nodes of each body with their inputs and outputs. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Names of values so far. */
  readonly taken: Set<string>;
  /** How often a name was asked for, so that the next free one is found at once. */
  readonly counts: Map<string, number>;
  /** What may still be made. */
  readonly budget: { places: number; letters: number };
  /** Functions whose bodies we are in. */
  readonly within: readonly string[];
}

function inlined(node: Node, inlining: Inlining): readonly Node[] {
  const { bodies, within } = inlining;
  const key = operatorKey(node);
  const body = bodies.get(key);
  if (body === undefined) return [{ ...node, attributes: withInlinedGraphs(node.attributes, inlining) }];
  if (within.includes(key)) throw refusal(`function ${key}, which calls itself`);
  if (within.length === deepest) throw refusal(`functions nested more than ${deepest} deep, ${key} at the bottom`);
  const { budget, sizes } = inlining;
  budget.places -= 1 + sizes.get(key)!;
  budget.letters -= body.nodes.length * node.name.length;
  if (budget.places < 0) throw refusal(`functions that make more than ${mostPlaces} nodes and values, at ${key}`);
  const rename = renaming(node, body, inlining);
  const made = new Set([...body.inputs, ...body.nodes.flatMap(({ outputs }) => outputs)]);
  const given = { ...body.defaults, ...node.attributes };
  const inside = { ...inlining, within: [...within, key] };
  return body.nodes.flatMap((inner, index) =>
    inlined(
      {
        ...inner,
        name: `${node.name}/${inner.name || `${inner.op}_${index}`}`, // nodes of a body need no names, those of a graph do
        inputs: inner.inputs.map(rename),
        outputs: inner.outputs.map(rename),
        attributes: captured(resolved(inner.attributes, given), (name) => (made.has(name) ? rename(name) : name)),
      },
      inside,
    ),
  );
}

/** Nodes, with their inputs and outputs, and those of the graphs that they hold. */
function placesOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, { inputs, outputs, attributes }) => {
    const held = Object.values(attributes).map((one) => (one.kind === "graph" ? placesOf(one.value.nodes) : 0));
    return held.reduce((a, b) => a + b, sum + 1 + inputs.length + outputs.length);
  }, 0);
}

const refusal = (got: string) =>
  new Refusal({
    got,
    expected: "functions that end, in a graph that memory holds",
    next: "export the network without model-local functions",
  });

/** New names of a body's values: those of the call, or after the call. */
function renaming(node: Node, body: GraphFunction, { taken, counts, budget }: Inlining): (name: string) => string {
  const names = new Map<string, string>([
    ["", ""],
    ...body.inputs.map((name, index) => [name, node.inputs[index] ?? ""] as const),
    ...body.outputs.flatMap((name, index) => (node.outputs[index] ? [[name, node.outputs[index]] as const] : [])),
  ]);
  return (name) => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const base = `${node.name}/${name}`;
    let count = counts.get(base) ?? 1;
    let free = count === 1 ? base : `${base}_${count}`;
    while (taken.has(free)) free = `${base}_${++count}`;
    counts.set(base, count + 1);
    budget.letters -= free.length;
    if (budget.letters < 0) throw refusal(`functions whose values need names of more than ${mostLetters} letters`);
    taken.add(free);
    names.set(name, free);
    return free;
  };
}

/** A body's attributes with those of the call in place of references; one that the call leaves out is left out. */
export function resolved(attributes: Attributes, given: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, attribute]): [string, Attribute][] => {
      if (attribute.kind === "graph") {
        const inner = (node: Node): Node => ({ ...node, attributes: resolved(node.attributes, given) });
        return [[name, { kind: "graph", value: { ...attribute.value, nodes: attribute.value.nodes.map(inner) } }]];
      }
      if (attribute.kind !== "reference") return [[name, attribute]];
      const value = given[attribute.name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Attributes whose graphs call no function. */
function withInlinedGraphs(attributes: Attributes, inlining: Inlining): Attributes {
  if (!Object.values(attributes).some(({ kind }) => kind === "graph")) return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => {
      if (attribute.kind !== "graph") return [name, attribute];
      const nodes = attribute.value.nodes.flatMap((node) => inlined(node, inlining));
      return [name, { ...attribute, value: { ...attribute.value, nodes } }];
    }),
  );
}

/** Attributes in which inner graphs read their surroundings by other names. */
export function captured(attributes: Attributes, rename: (name: string) => string): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, attribute]) => {
      if (attribute.kind !== "graph") return [key, attribute];
      const { nodes, outputs, ...rest } = attribute.value;
      const renamed: Graph = {
        ...rest,
        nodes: nodes.map((node) => ({
          ...node,
          inputs: node.inputs.map(rename),
          attributes: captured(node.attributes, rename),
        })),
        outputs: outputs.map((output) => ({ ...output, name: rename(output.name) })),
      };
      return [key, { ...attribute, value: renamed }];
    }),
  );
}
