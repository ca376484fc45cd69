import type { Graph } from "./graph.ts";

/** The graph without nodes and constants on which no output depends. */
export function liveNodes(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((value) => value.name));
  const kept = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  const constants = new Map([...graph.constants].filter(([name]) => needed.has(name)));
  return { ...graph, nodes: kept.reverse(), constants };
}
