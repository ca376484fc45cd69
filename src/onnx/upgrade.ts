import type { Shaped } from "../base/index.ts";
import { int } from "./attributes.ts";
import { type Attributes, type Node, opset } from "./graph.ts";
import { int64Vector } from "./int64.ts";

/** A node in the form of opset 18, with the constants that became inputs. */
type Upgrade = (node: Node, fresh: (name: string, value: Shaped) => string) => Node;

const without = (attributes: Attributes, name: string): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([key]) => key !== name));

/** Until opset 17 a reduction's axes were an attribute (ReduceSum's until 12). */
const axesAsInput: Upgrade = (node, fresh) => {
  const axes = node.attributes["axes"];
  if (axes?.kind !== "ints") return node;
  const name = fresh(`${node.name}_axes`, int64Vector(axes.value));
  return { ...node, inputs: [node.inputs[0]!, name], attributes: without(node.attributes, "axes") };
};

/** Until opset 17 a Split without lengths took the number of its parts from its outputs. */
const partsAsAttribute: Upgrade = (node) =>
  (node.inputs[1] ?? "") === ""
    ? { ...node, attributes: { ...node.attributes, num_outputs: int(node.outputs.length) } }
    : node;

/** One row an operator whose form changed between opset 13 and 18. */
const upgrades: Readonly<Record<string, Upgrade>> = {
  ReduceL1: axesAsInput,
  ReduceL2: axesAsInput,
  ReduceLogSum: axesAsInput,
  ReduceLogSumExp: axesAsInput,
  ReduceMax: axesAsInput,
  ReduceMean: axesAsInput,
  ReduceMin: axesAsInput,
  ReduceProd: axesAsInput,
  ReduceSumSquare: axesAsInput,
  Split: partsAsAttribute,
};

/** A node of an older opset as opset 18 writes it, so that rules know one form of each operator. */
export function upgradeNode(node: Node, version: number, fresh: (name: string, value: Shaped) => string): Node {
  return version >= opset || node.domain !== "" ? node : (upgrades[node.op]?.(node, fresh) ?? node);
}
