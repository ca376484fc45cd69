import { type Shaped, shaped, sizeOf } from "../base/index.ts";
import {
  type Attributes,
  elementOf,
  type Graph,
  type Node,
  onnxDomain,
  operatorKey,
  type Value,
  type ValueType,
} from "./graph.ts";
import { inferTypes } from "./shapes.ts";

/** What a node is called and what comes out of it, where the builder cannot know. */
export interface NodeOptions {
  readonly domain?: string;
  /** Types of the outputs, for operators that the shape table does not hold (composites). */
  readonly types?: readonly ValueType[];
  /** How many outputs the node has where some are optional (MaxPool's indices); as many as there are names otherwise. */
  readonly outputs?: number;
  /** Names of the outputs, which ask for optional ones too; made up from the operator otherwise. */
  readonly names?: readonly string[];
}

/** Writes a graph node by node; every value knows its type from the moment it is made. */
export interface GraphBuilder {
  /** Declares a graph input. */
  input(name: string, type: ValueType): Value;
  /** A constant; equal small constants are made once. */
  constant(value: Shaped, name?: string): Value;
  /** A float32 scalar. */
  scalar(value: number): Value;
  /** An int64 vector, for axes and shapes. */
  axes(values: readonly number[]): Value;
  /** A node with one output. */
  node(op: string, inputs: readonly (Value | undefined)[], attributes?: Attributes, options?: NodeOptions): Value;
  /** A node with all its outputs. */
  nodes(op: string, inputs: readonly (Value | undefined)[], attributes?: Attributes, options?: NodeOptions): Value[];
  /** Gives a value an output's name. */
  output(value: Value, name: string): void;
  /** The graph so far. */
  finish(): Graph;
}

/** Opens a builder, empty or with the nodes of a graph (its outputs are not taken over). */
export function buildGraph(name: string, start?: Partial<Graph>): GraphBuilder {
  const inputs: Value[] = [...(start?.inputs ?? [])];
  const outputs: Value[] = [];
  const nodes: Node[] = [...(start?.nodes ?? [])];
  const constants = new Map<string, Shaped>(start?.constants ?? []);
  const types = new Map<string, ValueType>(start?.types ?? []);
  const names = openNames(name, types);
  const builder: GraphBuilder = {
    input(inputName, type) {
      const value = names.declare(inputName, type);
      inputs.push(value);
      return value;
    },
    constant: constantWriter(constants, names),
    scalar: (value) => builder.constant(shaped(Float32Array.of(value), [])),
    axes: (values) => builder.constant(shaped(BigInt64Array.from(values, BigInt), [values.length])),
    node(op, nodeInputs, attributes, options) {
      const [only] = builder.nodes(op, nodeInputs, attributes, options);
      if (only === undefined) throw new Error(`${op} has no output`);
      return only;
    },
    nodes: nodeWriter(nodes, { constants, names }),
    output(value, outputName) {
      const named = value.name === outputName ? value : builder.node("Identity", [value], {}, { names: [outputName] });
      outputs.push(named);
    },
    finish: () => ({
      name,
      inputs: [...inputs],
      outputs: [...outputs],
      nodes: [...nodes],
      constants: new Map(constants),
      types: new Map(types),
      ...(start?.opset === undefined ? {} : { opset: start.opset }),
      ...(start?.literals === undefined ? {} : { literals: start.literals }),
    }),
  };
  return builder;
}

/** The names of a graph's values, each with its type. */
interface Names {
  /** A name that is free. */
  fresh(hint: string): string;
  declare(name: string, type: ValueType): Value;
}

function openNames(graph: string, types: Map<string, ValueType>): Names {
  let made = 0;
  return {
    fresh(hint) {
      let candidate = `${hint}_${made++}`;
      while (types.has(candidate)) candidate = `${hint}_${made++}`;
      return candidate;
    },
    declare(name, type) {
      if (types.has(name)) throw new Error(`the value ${name} is declared twice in graph ${graph}`);
      types.set(name, type);
      return { name, type };
    },
  };
}

function constantWriter(constants: Map<string, Shaped>, { fresh, declare }: Names): GraphBuilder["constant"] {
  const known = new Map<string, Value>(); // small constants by content
  return (value, name) => {
    if (value.data.length !== sizeOf(value.shape)) {
      throw new Error(`a constant of shape [${value.shape}] has ${value.data.length} values`);
    }
    const type: ValueType = { element: elementOf(value.data), shape: value.shape };
    const key = value.data.length <= 16 ? `${type.element}[${value.shape}]${value.data.join()}` : undefined;
    const same = key === undefined || name !== undefined ? undefined : known.get(key);
    if (same !== undefined) return same;
    const declared = declare(name ?? fresh("constant"), type);
    constants.set(declared.name, value);
    if (key !== undefined) known.set(key, declared);
    return declared;
  };
}

function nodeWriter(
  nodes: Node[],
  { constants, names }: { readonly constants: ReadonlyMap<string, Shaped>; readonly names: Names },
): GraphBuilder["nodes"] {
  return (op, inputs, attributes = {}, options = {}) => {
    const domain = options.domain ?? onnxDomain;
    const asked = options.outputs ?? options.names?.length;
    const key = operatorKey({ domain, op });
    const outputs = asked === undefined ? {} : { outputs: asked };
    const outputTypes = options.types ?? inferTypes({ key, inputs, attributes, constants, ...outputs });
    const values = outputTypes.map((type, at) => names.declare(options.names?.[at] ?? names.fresh(op), type));
    nodes.push({
      name: `${op}_${nodes.length}`,
      domain,
      op,
      inputs: inputs.map((value) => value?.name ?? ""),
      outputs: values.map((value) => value.name),
      attributes,
    });
    return values;
  };
}
