import { type Shaped, sizeOf } from "../../base/index.ts";
import { intOf } from "../attributes.ts";
import { evaluateNode, evaluations } from "../evaluate/evaluate.ts";
import { widen } from "../evaluate/evaluation.ts";
import { type ElementType, type Graph, type Node, operatorKey, opset } from "../graph.ts";
import { liveNodes } from "./live.ts";

/** Largest constant that a fold makes, in numbers: beyond it a file grows more than a session saves. */
const largest = 2 ** 22;

/**
 * The graph with everything computed that depends on constants alone, weights too: for inference, not for a graph that
 * is to be trained. Computed in float64 and rounded once to the value's own type, so that outputs move by rounding.
 */
export function foldConstants(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.filter((node) => {
    const values = folded(node, constants, graph);
    for (const [name, value] of values ?? []) constants.set(name, value);
    return values === undefined;
  });
  return liveNodes({ ...graph, nodes, constants });
}

/** The outputs of a node of constants, or nothing where it must stay. */
function folded(
  node: Node,
  constants: ReadonlyMap<string, Shaped>,
  graph: Graph,
): readonly (readonly [string, Shaped])[] | undefined {
  const types = node.outputs.map((name) => graph.types.get(name));
  const inputs = node.inputs.filter((name) => name !== "");
  if (evaluations[operatorKey(node)] === undefined || ofChance(node)) return undefined;
  if (!inputs.every((name) => constants.has(name))) return undefined;
  const sizes = types.map((type) => type?.shape.map(Number) ?? [Number.NaN]);
  if (!sizes.every((shape) => sizeOf(shape) <= largest)) return undefined; // a name is NaN, and NaN is not small
  const given = node.inputs.map((name) => (name === "" ? undefined : widen(constants.get(name)!)));
  const found = evaluateNode(node, given, { functions: new Map(), opset: graph.opset ?? opset });
  return node.outputs.flatMap((name, index) =>
    name === "" ? [] : [[name, narrowed(found[index]!, types[index]!.element)] as const],
  );
}

/** Whether a node draws numbers, or moves statistics: training is no constant. */
const ofChance = (node: Node) =>
  (node.op === "Dropout" && (node.inputs[2] ?? "") !== "") || intOf(node.attributes, "training_mode", 0) === 1;

const narrowed = ({ data, shape }: Shaped, element: ElementType): Shaped =>
  element === "float32" ? { data: Float32Array.from(data, Number), shape } : { data, shape };
