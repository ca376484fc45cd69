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
  const known = new Map<string, Value>(); // small constants by content
  let made = 0;

  const fresh = (hint: string): string => {
    let candidate = `${hint}_${made++}`;
    while (types.has(candidate)) candidate = `${hint}_${made++}`;
    return candidate;
  };
  const declare = (valueName: string, type: ValueType): Value => {
    if (types.has(valueName)) throw new Error(`the value ${valueName} is declared twice in graph ${name}`);
    types.set(valueName, type);
    return { name: valueName, type };
  };

  const builder: GraphBuilder = {
    input(inputName, type) {
      const value = declare(inputName, type);
      inputs.push(value);
      return value;
    },
    constant(value, constantName) {
      if (value.data.length !== sizeOf(value.shape)) {
        throw new Error(`a constant of shape [${value.shape}] has ${value.data.length} values`);
      }
      const type: ValueType = { element: elementOf(value.data), shape: value.shape };
      const key = value.data.length <= 16 ? `${type.element}[${value.shape}]${value.data.join()}` : undefined;
      const same = key === undefined || constantName !== undefined ? undefined : known.get(key);
      if (same !== undefined) return same;
      const declared = declare(constantName ?? fresh("constant"), type);
      constants.set(declared.name, value);
      if (key !== undefined) known.set(key, declared);
      return declared;
    },
    scalar: (value) => builder.constant(shaped(Float32Array.of(value), [])),
    axes: (values) => builder.constant(shaped(BigInt64Array.from(values, BigInt), [values.length])),
    node(op, nodeInputs, attributes, options) {
      const [only] = builder.nodes(op, nodeInputs, attributes, options);
      if (only === undefined) throw new Error(`${op} has no output`);
      return only;
    },
    nodes(op, nodeInputs, attributes = {}, options = {}) {
      const domain = options.domain ?? onnxDomain;
      const given = nodeInputs.map((value) => value?.name ?? "");
      const asked = options.outputs ?? options.names?.length;
      const outputTypes =
        options.types ??
        inferTypes({
          key: operatorKey({ domain, op }),
          inputs: nodeInputs,
          attributes,
          constants,
          ...(asked === undefined ? {} : { outputs: asked }),
        });
      const values = outputTypes.map((type, index) => declare(options.names?.[index] ?? fresh(op), type));
      nodes.push({
        name: `${op}_${nodes.length}`,
        domain,
        op,
        inputs: given,
        outputs: values.map((value) => value.name),
        attributes,
      });
      return values;
    },
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
