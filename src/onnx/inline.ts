import { type Attributes, type GraphFunction, type Model, type Node, operatorKey } from "./graph.ts";

/** A model whose calls of model-local functions are replaced by their bodies (ONNX IR, "Functions"). */
export function inlineFunctions(model: Model): Model {
  const bodies = new Map(model.functions.map((body) => [operatorKey({ domain: body.domain, op: body.name }), body]));
  if (bodies.size === 0) return model;
  const nodes = model.graph.nodes.flatMap((node) => inlined(node, bodies));
  return { ...model, graph: { ...model.graph, nodes }, functions: [] };
}

function inlined(node: Node, bodies: ReadonlyMap<string, GraphFunction>): readonly Node[] {
  const body = bodies.get(operatorKey(node));
  if (body === undefined) return [node];
  const names = new Map<string, string>([
    ...body.inputs.map((name, index) => [name, node.inputs[index] ?? ""] as const),
    ...body.outputs.map((name, index) => [name, node.outputs[index] || `${node.name}/${name}`] as const),
  ]);
  const rename = (name: string) => (name === "" ? "" : (names.get(name) ?? `${node.name}/${name}`));
  return body.nodes.flatMap((inner) =>
    inlined(
      {
        ...inner,
        name: `${node.name}/${inner.name}`,
        inputs: inner.inputs.map(rename),
        outputs: inner.outputs.map(rename),
        attributes: resolved(inner.attributes, node.attributes),
      },
      bodies,
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
