import { type Attributes, type GraphFunction, type Model, type Node, operatorKey } from "./graph.ts";
import { Refusal } from "./refusal.ts";

/**
 * A model whose calls of model-local functions are replaced by their bodies (ONNX IR, "Functions"). Values of a body are
 * named after the call, and numbered where that name is taken. Throws a Refusal on a function that calls itself.
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
  const nodes = graph.nodes.flatMap((node) => inlined(node, { bodies, taken, within: [] }));
  return { ...model, graph: { ...graph, nodes }, functions: [] };
}

/** More values than any network has: a few bytes of functions that call each other twice make 2^depth of them. */
const mostNames = 2 ** 20;

interface Inlining {
  readonly bodies: ReadonlyMap<string, GraphFunction>;
  /** Names of values so far. */
  readonly taken: Set<string>;
  /** Functions whose bodies we are in. */
  readonly within: readonly string[];
}

function inlined(node: Node, { bodies, taken, within }: Inlining): readonly Node[] {
  const key = operatorKey(node);
  const body = bodies.get(key);
  if (body === undefined) return [node];
  if (taken.size > mostNames) {
    throw new Refusal({
      got: `functions that call functions, more than ${mostNames} values in all`,
      expected: "a graph that memory holds",
      next: "export the network with less nesting",
    });
  }
  if (within.includes(key)) {
    throw new Refusal({
      got: `function ${key}, which calls itself`,
      expected: "functions that end",
      next: "export the network again",
    });
  }
  const names = new Map<string, string>([
    ["", ""],
    ...body.inputs.map((name, index) => [name, node.inputs[index] ?? ""] as const),
    ...body.outputs.flatMap((name, index) => (node.outputs[index] ? [[name, node.outputs[index]] as const] : [])),
  ]);
  const rename = (name: string) => {
    const known = names.get(name);
    if (known !== undefined) return known;
    let free = `${node.name}/${name}`;
    for (let count = 2; taken.has(free); count++) free = `${node.name}/${name}_${count}`;
    taken.add(free);
    names.set(name, free);
    return free;
  };
  return body.nodes.flatMap((inner) =>
    inlined(
      {
        ...inner,
        name: `${node.name}/${inner.name}`,
        inputs: inner.inputs.map(rename),
        outputs: inner.outputs.map(rename),
        attributes: resolved(inner.attributes, node.attributes),
      },
      { bodies, taken, within: [...within, key] },
    ),
  );
}

/** A body's attributes with those of the call in place of references; one that the call leaves out is left out. */
export function resolved(attributes: Attributes, given: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, attribute]) => {
      if (attribute.kind !== "reference") return [[name, attribute]];
      const value = given[attribute.name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
