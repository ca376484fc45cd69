import type { Graph, Node } from "../graph.ts";

/** The graph without nodes and constants on which no output depends. */
export function liveNodes(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((value) => value.name));
  const kept = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of readBy(node)) needed.add(name);
    return true;
  });
  const constants = new Map([...graph.constants].filter(([name]) => needed.has(name)));
  return { ...graph, nodes: kept.reverse(), constants };
}

/** Names that a node reads: its inputs, and what the graphs in its attributes take from around them. */
export function readBy(node: Node): readonly string[] {
  const inner = Object.values(node.attributes).flatMap((attribute) =>
    attribute.kind === "graph" ? capturedBy(attribute.value) : [],
  );
  return [...node.inputs.filter((name) => name !== ""), ...inner];
}

function capturedBy(graph: Graph): readonly string[] {
  const own = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const read = [...graph.nodes.flatMap(readBy), ...graph.outputs.map(({ name }) => name)];
  return read.filter((name) => !own.has(name));
}
