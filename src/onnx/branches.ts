import type { Shaped } from "../base/index.ts";
import { type Graph, type Node, onnxDomain } from "./graph.ts";
import { captured } from "./inline.ts";

/** What stands in the place of an `If`: the nodes of one branch, and its constants. */
interface Branch {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Shaped>;
  readonly types: Graph["types"];
}

/**
 * The branch that an `If` takes, where its condition is a constant (exporters ask about ranks and sizes that are known);
 * undefined for other nodes. What is made in the branch is named after the node, and numbered where that name is taken;
 * names from outside stay.
 */
export function branchOf(node: Node, constants: ReadonlyMap<string, Shaped>, free: FreeNames): Branch | undefined {
  if (node.op !== "If" || node.domain !== onnxDomain) return undefined;
  const condition = constants.get(node.inputs[0] ?? "")?.data[0];
  const branch = node.attributes[Number(condition) !== 0 ? "then_branch" : "else_branch"];
  if (condition === undefined || branch?.kind !== "graph") return undefined;
  return inPlaceOf(node, branch.value, free);
}

/** Gives a name, numbered where values or nodes of the graph have it already. */
export interface FreeNames {
  readonly value: (name: string) => string;
  readonly node: (name: string) => string;
}

/** The names that are free in a graph. */
export function freeNames({ inputs, constants, nodes }: Pick<Graph, "inputs" | "constants" | "nodes">): FreeNames {
  const made = nodes.flatMap(({ outputs }) => outputs);
  return {
    value: numbering([...inputs.map(({ name }) => name), ...constants.keys(), ...made]),
    node: numbering(nodes.map(({ name }) => name)),
  };
}

function numbering(names: readonly string[]): (name: string) => string {
  const taken = new Set(names);
  const counts = new Map<string, number>(); // how often a name was asked for, so that the next free one is found at once
  return (name) => {
    let count = counts.get(name) ?? 1;
    let free = count === 1 ? name : `${name}_${count}`;
    while (taken.has(free)) free = `${name}_${++count}`;
    counts.set(name, count + 1);
    taken.add(free);
    return free;
  };
}

function inPlaceOf(node: Node, branch: Graph, free: FreeNames): Branch {
  const made = new Set(branch.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== ""));
  const names = new Map<string, string>();
  const passed: Node[] = []; // outputs that no node of the branch makes, or that it gives twice
  branch.outputs.forEach(({ name }, index) => {
    const output = node.outputs[index] ?? "";
    if (made.delete(name)) names.set(name, output);
    else
      passed.push({
        name: output,
        domain: onnxDomain,
        op: "Identity",
        inputs: [name],
        outputs: [output],
        attributes: {},
      });
  });
  for (const name of [...made, ...branch.constants.keys()]) names.set(name, free.value(`${node.name}/${name}`));
  const rename = (name: string) => names.get(name) ?? name;
  const nodes = [...branch.nodes, ...passed].map((inner) => ({
    ...inner,
    name: free.node(`${node.name}/${inner.name}`),
    inputs: inner.inputs.map(rename),
    outputs: inner.outputs.map(rename),
    attributes: captured(inner.attributes, rename),
  }));
  const renamed = <T>(values: ReadonlyMap<string, T>) => new Map([...values].map(([name, one]) => [rename(name), one]));
  return { nodes, constants: renamed(branch.constants), types: renamed(branch.types) };
}
