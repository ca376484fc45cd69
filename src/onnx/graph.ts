import type { Shaped, TensorData } from "../base/index.ts";

/** Element types that Ichor's graphs use. */
export type ElementType = "float32" | "float64" | "int64" | "int32" | "int16" | "uint8" | "bool";

/** A length, or the name of a length that is known at run time only (`slices`). */
export type Dimension = number | string;

/** Element type and shape of a value. */
export interface ValueType {
  readonly element: ElementType;
  readonly shape: readonly Dimension[];
}

/** A value of a graph: its name and what is known of it. */
export interface Value {
  readonly name: string;
  readonly type: ValueType;
}

/** An attribute of a node. `reference` stands in function bodies for an attribute of the call. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  /** Its element type is the array's, but for a bool, which travels as bytes. */
  | { readonly kind: "tensor"; readonly value: Shaped; readonly element?: "bool" }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "reference"; readonly name: string; readonly type: ReferenceType };

/** What a function's body may refer to. */
export type ReferenceType = "int" | "float" | "ints" | "floats" | "string" | "strings" | "tensor";

/** Attributes by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** One call of an operator. An input that is left out is the empty name (ONNX IR, "Optional inputs"). */
export interface Node {
  readonly name: string;
  readonly domain: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A graph: nodes in topological order, with the type of every value. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Shaped>;
  readonly types: ReadonlyMap<string, ValueType>;
  /** Version of ONNX's operators that the nodes mean; `opset` where it is left out. */
  readonly opset?: number;
  /** Constants that belong to the formulas (`Constant` nodes of a file), not to its weights. */
  readonly literals?: ReadonlySet<string>;
}

/** A model-local function: a composite operator with its body in other operators (ONNX IR, "Functions"). */
export interface GraphFunction {
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names of the attributes that a call may give. */
  readonly attributes: readonly string[];
  /** Attributes that a call may leave out, with what they are then (FunctionProto, "attribute_proto"). */
  readonly defaults?: Attributes;
  readonly nodes: readonly Node[];
}

/** What an `.onnx` file holds. */
export interface Model {
  readonly graph: Graph;
  readonly functions: readonly GraphFunction[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Domain of ONNX's own operators. */
export const onnxDomain = "";

/** Domain of Ichor's composite operators, whose bodies travel with the model as functions. */
export const ichorDomain = "ichor";

/** Opset of the plain operators that Ichor writes. */
export const opset = 18;

/** Where one array lies in a flat vector, plain row-major layout. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
}

/**
 * One training step as one graph. State goes in and out as flat vectors: `vectors` over the trainable parameters
 * (an output `${vector}_next` for each of `updated`), and `buffers` over the running statistics. Flat 1-D state keeps
 * the number of inputs small and elementwise updates fast (a trailing dimension of 1 defeats ONNX Runtime's
 * broadcast coalescing), and it makes a checkpoint a handful of arrays.
 */
export interface Program {
  readonly model: Model;
  readonly vectors: readonly string[];
  readonly updated: readonly string[];
  readonly slots: readonly Slot[];
  readonly buffers: readonly Slot[];
  /** "as written": nodes run in the order in which they stand, so that values that are computed again go in between. */
  readonly order?: "as written";
  /** What a step wants besides state. */
  readonly feeds: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** The element type of an array. A bool travels as bytes and must be declared where it is made. */
export function elementOf(data: TensorData): Exclude<ElementType, "bool"> {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Int16Array) return "int16";
  return "uint8";
}

/** Key of a node in tables: the operator, with its domain in front where it is not ONNX's. */
export function operatorKey({ domain, op }: Pick<Node, "domain" | "op">): string {
  return domain === onnxDomain ? op : `${domain}:${op}`;
}

/** The shape with every length known; throws on a named length, which is a bug of the caller. */
export function staticShape(type: ValueType): readonly number[] {
  return type.shape.map((length) => {
    if (typeof length === "number") return length;
    throw new Error(`the length ${length} is not known before run time`);
  });
}

/** How a parameter starts. */
export type Initial =
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "constant"; readonly value: number }
  /** Given numbers, row-major: weights from a file. */
  | { readonly kind: "values"; readonly values: Float32Array };

/** A parameter that training moves, or a buffer (running statistic) that it keeps. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initial;
  /** Whether weight decay draws it to zero: weights yes, biases and scales no. */
  readonly decay: "decay" | "none";
}

/** A network: its forward graph, in which parameters and buffers are inputs by their names. */
export interface Network {
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  readonly buffers: readonly Parameter[];
}

/** Where each array lies in a flat vector that holds them one after the other. */
export function layOut(arrays: readonly Pick<Parameter, "name" | "shape">[]): Slot[] {
  let offset = 0;
  return arrays.map(({ name, shape }) => {
    const slot = { name, shape, offset };
    offset += shape.reduce((product, length) => product * length, 1);
    return slot;
  });
}

/** Length of the flat vector that the slots fill. */
export function lengthOfSlots(slots: readonly Slot[]): number {
  return slots.reduce((end, { shape, offset }) => Math.max(end, offset + shape.reduce((a, b) => a * b, 1)), 0);
}
