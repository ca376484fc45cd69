import type { Shaped } from "../../base/index.ts";
import { type Dimension, type Graph, opset, type Value, type ValueType } from "../graph.ts";
import { readBy } from "./live.ts";

/** How two graphs are joined. */
export interface MergeOptions {
  /** What each of the second graph's inputs reads: an output of the first. The others stay inputs. */
  readonly connect: Readonly<Record<string, string>>;
  /** What is put before names of the second graph that the first has too; the second's name where it is left out. */
  readonly prefix?: string;
}

/**
 * Two graphs as one: the second reads outputs of the first. Inputs are the first's and those of the second that are not
 * connected; outputs are those of the first that are not connected, then the second's. Values of the second are renamed
 * only where the first has the name. A named length of the second takes the length that it meets. Throws where a name is
 * not there, types do not fit, or the graphs mean different opsets (`readModel` brings both to one).
 */
export function mergeGraphs(a: Graph, b: Graph, { connect, prefix = b.name }: MergeOptions): Graph {
  if ((a.opset ?? opset) !== (b.opset ?? opset)) {
    throw new Error(`graph ${a.name} is of opset ${a.opset ?? opset}, ${b.name} of ${b.opset ?? opset}`);
  }
  const joints = new Map(Object.entries(connect));
  const lengths = new Map<string, Dimension>();
  for (const [to, from] of joints) match(outputOf(a, from), inputOf(b, to), lengths);
  const rename = renaming(a, b, { joints, prefix });
  const typed = ({ element, shape }: ValueType): ValueType => ({
    element,
    shape: shape.map((length) => (typeof length === "string" ? (lengths.get(length) ?? length) : length)),
  });
  const renamed = ({ name, type }: Value): Value => ({ name: rename(name), type: typed(type) });
  const used = new Set(joints.values());
  const nodeNames = new Set(a.nodes.map(({ name }) => name));
  const literals = new Set([...(a.literals ?? []), ...[...(b.literals ?? [])].map(rename)]);
  return {
    ...a,
    ...(literals.size > 0 && { literals }),
    inputs: [...a.inputs, ...b.inputs.filter(({ name }) => !joints.has(name)).map(renamed)],
    outputs: [...a.outputs.filter(({ name }) => !used.has(name)), ...b.outputs.map(renamed)],
    nodes: [
      ...a.nodes,
      ...b.nodes.map((node) => {
        if (readBy(node).length > node.inputs.filter((name) => name !== "").length) {
          throw new Error(`node ${node.name} (${node.op}) holds a graph that reads values around it: not merged`);
        }
        const name = freeName(node.name, prefix, (candidate) => nodeNames.has(candidate));
        nodeNames.add(name);
        return { ...node, name, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
      }),
    ],
    constants: new Map<string, Shaped>([...a.constants, ...[...b.constants].map(([n, v]) => [rename(n), v] as const)]),
    types: new Map([
      ...[...b.types].map(([name, type]) => [rename(name), typed(type)] as const),
      ...a.types, // what is connected keeps the first's type
    ]),
  };
}

function outputOf({ name: graph, outputs }: Graph, name: string): Value {
  const output = outputs.find((value) => value.name === name);
  if (output === undefined) throw new Error(`graph ${graph} has no output ${name}: ${listed(outputs)}`);
  return output;
}

function inputOf({ name: graph, inputs }: Graph, name: string): Value {
  const input = inputs.find((value) => value.name === name);
  if (input === undefined) throw new Error(`graph ${graph} has no input ${name}: ${listed(inputs)}`);
  return input;
}

const listed = (values: readonly Value[]) => `it has ${values.map(({ name }) => name).join(", ")}`;

/** Throws where a value does not fit an input; notes what the input's named lengths become. */
function match(from: Value, to: Value, lengths: Map<string, Dimension>): void {
  const fits =
    from.type.element === to.type.element &&
    from.type.shape.length === to.type.shape.length &&
    to.type.shape.every((length, axis) => {
      const met = from.type.shape[axis]!;
      if (typeof length === "number") return length === met;
      const before = lengths.get(length) ?? met;
      lengths.set(length, before);
      return before === met;
    });
  if (fits) return;
  const written = ({ name, type }: Value) => `${name} (${type.element}[${type.shape.join(", ")}])`;
  throw new Error(`the output ${written(from)} does not fit the input ${written(to)}`);
}

interface Renaming {
  readonly joints: ReadonlyMap<string, string>;
  readonly prefix: string;
}

/** New names of the second graph's values. */
function renaming(a: Graph, b: Graph, { joints, prefix }: Renaming): (name: string) => string {
  const namesOf = (graph: Graph) => [
    ...graph.types.keys(),
    ...graph.constants.keys(),
    ...graph.inputs.map(({ name }) => name),
    ...graph.nodes.flatMap((node) => node.outputs),
  ];
  const taken = new Set(namesOf(a));
  const own = new Set(namesOf(b));
  const names = new Map<string, string>([["", ""], ...joints]);
  for (const name of own) {
    if (names.has(name)) continue;
    const free = freeName(name, prefix, (one) => taken.has(one) || (one !== name && own.has(one)));
    names.set(name, free);
    taken.add(free);
  }
  return (name) => names.get(name) ?? name;
}

/** The name, or with the prefix, or with the prefix numbered: the first that nobody has. */
function freeName(name: string, prefix: string, taken: (candidate: string) => boolean): string {
  let free = name;
  for (let count = 1; taken(free); count++) free = count === 1 ? `${prefix}/${name}` : `${prefix}${count}/${name}`;
  return free;
}
