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
 * undefined for other nodes. What is made in the branch is named after the node; names from outside stay.
 */
export function branchOf(node: Node, constants: ReadonlyMap<string, Shaped>): Branch | undefined {
  if (node.op !== "If" || node.domain !== onnxDomain) return undefined;
  const condition = constants.get(node.inputs[0] ?? "")?.data[0];
  const branch = node.attributes[Number(condition) !== 0 ? "then_branch" : "else_branch"];
  if (condition === undefined || branch?.kind !== "graph") return undefined;
  return inPlaceOf(node, branch.value);
}

function inPlaceOf(node: Node, branch: Graph): Branch {
  const made = new Set(branch.nodes.flatMap(({ outputs }) => outputs));
  const names = new Map([...made, ...branch.constants.keys()].map((name) => [name, `${node.name}/${name}`]));
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
  const rename = (name: string) => names.get(name) ?? name;
  const nodes = [...branch.nodes, ...passed].map((inner) => ({
    ...inner,
    name: `${node.name}/${inner.name}`,
    inputs: inner.inputs.map(rename),
    outputs: inner.outputs.map(rename),
    attributes: captured(inner.attributes, rename),
  }));
  const renamed = <T>(values: ReadonlyMap<string, T>) => new Map([...values].map(([name, one]) => [rename(name), one]));
  return { nodes, constants: renamed(branch.constants), types: renamed(branch.types) };
}
