import { shaped } from "../base/index.ts";
import { type Graph, intOf, type Node, type ValueType } from "../onnx/index.ts";

/** Outputs of one kernel: WebGPU promises 8 storage buffers a shader stage, of which one is the input. */
const mostOutputs = 7;

/**
 * A graph as ONNX Runtime's WebGPU provider can run it: its Split binds a buffer an output and fails where there are more
 * than the device has ("Too many storage buffers in shader", 1.30), so wide ones become a Slice a piece.
 */
export function fitWebgpu(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const integers = (name: string, value: number): string => {
    constants.set(name, shaped(BigInt64Array.of(BigInt(value)), [1]));
    types.set(name, { element: "int64", shape: [1] });
    return name;
  };
  const slices = (node: Node): readonly Node[] => {
    const axis = intOf(node.attributes, "axis", 0);
    let start = 0;
    return node.outputs.map((output, index) => {
      const end = start + lengthAt(types.get(output), axis);
      const name = `${node.name}_${index}`;
      const bounds = [integers(`${name}_start`, start), integers(`${name}_end`, end), integers(`${name}_axis`, axis)];
      start = end;
      return { name, domain: "", op: "Slice", inputs: [node.inputs[0]!, ...bounds], outputs: [output], attributes: {} };
    });
  };
  const wide = ({ domain, op, outputs }: Node) => domain === "" && op === "Split" && outputs.length > mostOutputs;
  const nodes = graph.nodes.flatMap((node) => (wide(node) ? slices(node) : [node]));
  return { ...graph, nodes, constants, types };
}

function lengthAt(type: ValueType | undefined, axis: number): number {
  const length = type?.shape.at(axis);
  if (typeof length === "number") return length;
  throw new Error("a Split has an output whose length is not known");
}
