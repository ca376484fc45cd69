import { fromBinary } from "@bufbuild/protobuf";
import { fail, ok, type Problem, type Result, type Shaped } from "../base/index.ts";
import { decodeTensor, elementNames, type ReadExternal } from "./decode-tensor.ts";
import {
  type Attribute,
  type Attributes,
  type Dimension,
  elementOf,
  type Graph,
  type GraphFunction,
  type Model,
  type Node,
  onnxDomain,
  type ReferenceType,
  type Value,
  type ValueType,
} from "./graph.ts";
import {
  AttributeProto_AttributeType as AttributeKind,
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from "./onnx_pb.ts";
import { Refusal } from "./refusal.ts";

/** Opsets whose operators Ichor knows: what today's exporters write. */
const [oldest, newest] = [13, 22];

/** How a model is read. */
export interface DecodeOptions {
  /** Reads a part of a file beside the model, by the relative path that the model names. */
  readonly external?: ReadExternal;
}

/**
 * A model as the file has it: its nodes in their order, initializers and `Constant` nodes as constants, types where the
 * file declares them. float16 and bfloat16 are read as float32.
 * Problems: "not an ONNX model", "model refused" (what Ichor does not read, by name).
 */
export function decodeModel(bytes: Uint8Array, where: string, { external }: DecodeOptions = {}): Result<Model> {
  const parsed = parseModel(bytes, where);
  if (parsed.kind === "problem") return parsed;
  try {
    return ok(modelOf(parsed.value, external));
  } catch (error) {
    if (error instanceof Refusal) return fail(error.at(where));
    throw error;
  }
}

/** The message of a file. Problems: "not an ONNX model". */
export function parseModel(bytes: Uint8Array, where: string): Result<ModelProto> {
  const refused = (got: string): { readonly kind: "problem"; readonly problem: Problem } =>
    fail({
      kind: "not an ONNX model",
      where,
      got,
      expected: "a ModelProto with a graph (ONNX IR)",
      next: "name an .onnx file",
    });
  try {
    const model = fromBinary(ModelProtoSchema, bytes);
    return model.graph === undefined ? refused(`${bytes.length} bytes without a graph`) : ok(model);
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error)); // protobuf-es throws on bad wire data
  }
}

function modelOf(model: ModelProto, external: ReadExternal | undefined): Model {
  const versions = new Map(model.opsetImport.map(({ domain, version }) => [domainOf(domain), Number(version)]));
  const version = versions.get(onnxDomain) ?? 0;
  if (version < oldest || version > newest) {
    throw new Refusal({
      got: `operators of opset ${version}`,
      expected: `opset ${oldest} to ${newest}`,
      next: `export the network again with an opset between ${oldest} and ${newest}`,
    });
  }
  const graph = graphOf(model.graph!, external);
  return {
    graph: { ...graph, opset: version },
    functions: model.functions.map((body) => functionOf(body, external)),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
  };
}

/** ONNX's own domain has two names. */
const domainOf = (domain: string) => (domain === "ai.onnx" ? onnxDomain : domain);

function graphOf(proto: GraphProto, external: ReadExternal | undefined): Graph {
  if (proto.sparseInitializer.length > 0) {
    throw new Refusal({
      got: "sparse initializers",
      expected: "dense ones",
      next: "export the network with dense weights",
    });
  }
  const constants = new Map<string, Shaped>();
  const types = new Map<string, ValueType>();
  for (const tensor of proto.initializer) {
    const { value, element } = decodeTensor(tensor, external);
    constants.set(tensor.name, value);
    types.set(tensor.name, { element, shape: value.shape });
  }
  const values = (infos: readonly ValueInfoProto[]) => infos.map(typedValue);
  // Before IR 4 every initializer is an input as well.
  const inputs = values(proto.input.filter(({ name }) => !constants.has(name)));
  const outputs = values(proto.output);
  for (const { name, type } of [...values(proto.valueInfo.filter(isTensor)), ...inputs, ...outputs])
    types.set(name, type);
  const nodes: Node[] = [];
  const literals = new Set<string>();
  for (const [index, node] of proto.node.entries()) {
    const decoded = nodeOf(node, index, external);
    const constant = constantOf(decoded);
    if (constant === undefined) nodes.push(decoded);
    else {
      const [name = ""] = decoded.outputs;
      const { value } = decoded.attributes;
      const bool = value?.kind === "tensor" ? value.element : undefined;
      constants.set(name, constant);
      literals.add(name);
      types.set(name, { element: bool ?? elementOf(constant.data), shape: constant.shape });
    }
  }
  return { name: proto.name, inputs, outputs, nodes, constants, types, literals };
}

/** The value of a `Constant` node (ONNX Constant-13). */
function constantOf({ domain, op, attributes, name }: Node): Shaped | undefined {
  if (domain !== onnxDomain || op !== "Constant") return undefined;
  const [attribute] = Object.values(attributes);
  switch (attribute?.kind) {
    case "tensor":
      return attribute.value;
    case "float":
      return { data: Float32Array.of(attribute.value), shape: [] };
    case "floats":
      return { data: Float32Array.from(attribute.value), shape: [attribute.value.length] };
    case "int":
      return { data: BigInt64Array.of(BigInt(attribute.value)), shape: [] };
    case "ints":
      return { data: BigInt64Array.from(attribute.value, BigInt), shape: [attribute.value.length] };
    case "reference":
      return undefined; // in a function's body: known when it is called
    default:
      throw new Refusal({
        got: `node ${name}: a Constant of ${attribute?.kind ?? "nothing"}`,
        expected: "a tensor, numbers or a number",
        next: "export the network without texts and sparse tensors",
      });
  }
}

const isTensor = ({ type }: ValueInfoProto) => type?.value.case === "tensorType";

function typedValue({ name, type }: ValueInfoProto): Value {
  if (type?.value.case !== "tensorType") {
    throw new Refusal({
      got: `value ${name} of type ${type?.value.case ?? "nothing"}`,
      expected: "tensors only (no sequences, maps, optionals or sparse tensors)",
      next: "export the network with tensors as inputs and outputs",
    });
  }
  const { elemType, shape } = type.value.value;
  const element = elementNames[elemType];
  if (element === undefined) {
    throw new Refusal({
      got: `value ${name} with elements of type ${elemType} (TensorProto.DataType)`,
      expected: `one of ${[...new Set(Object.values(elementNames))].join(", ")}`,
      next: "cast it where the network is exported",
    });
  }
  const dimensions = shape?.dim.map(({ value }, axis): Dimension => {
    if (value.case === "dimValue") return Number(value.value);
    return value.case === "dimParam" && value.value !== "" ? value.value : `${name}_${axis}`;
  });
  return { name, type: { element, shape: dimensions ?? [] } };
}

function nodeOf(proto: NodeProto, index: number, external: ReadExternal | undefined): Node {
  const name = proto.name === "" ? `${proto.opType}_${index}` : proto.name;
  const attributes: Attributes = Object.fromEntries(
    proto.attribute.map((attribute) => [attribute.name, attributeOf(attribute, name, external)]),
  );
  return {
    name,
    domain: domainOf(proto.domain),
    op: proto.opType,
    inputs: proto.input,
    outputs: proto.output,
    attributes,
  };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Kinds that a function's body may refer to. */
const referenceTypes: Readonly<Partial<Record<AttributeKind, ReferenceType>>> = {
  [AttributeKind.INT]: "int",
  [AttributeKind.FLOAT]: "float",
  [AttributeKind.INTS]: "ints",
  [AttributeKind.FLOATS]: "floats",
  [AttributeKind.STRING]: "string",
  [AttributeKind.STRINGS]: "strings",
  [AttributeKind.TENSOR]: "tensor",
};

function attributeOf(proto: AttributeProto, node: string, external: ReadExternal | undefined): Attribute {
  if (proto.refAttrName !== "") {
    const type = referenceTypes[proto.type];
    if (type !== undefined) return { kind: "reference", name: proto.refAttrName, type };
    throw new Refusal({
      got: `node ${node}: attribute ${proto.name}, a reference to ${proto.refAttrName} of type ${proto.type} (AttributeProto.AttributeType)`,
      expected: `a reference to one of ${Object.values(referenceTypes).join(", ")}`,
      next: "export the network without model-local functions",
    });
  }
  switch (proto.type) {
    case AttributeKind.INT:
      return { kind: "int", value: Number(proto.i) };
    case AttributeKind.FLOAT:
      return { kind: "float", value: proto.f };
    case AttributeKind.INTS:
      return { kind: "ints", value: proto.ints.map(Number) };
    case AttributeKind.FLOATS:
      return { kind: "floats", value: proto.floats };
    case AttributeKind.STRING:
      return { kind: "string", value: text(proto.s) };
    case AttributeKind.STRINGS:
      return { kind: "strings", value: proto.strings.map(text) };
    case AttributeKind.TENSOR:
      if (proto.t !== undefined) {
        const { value, element } = decodeTensor(proto.t, external);
        return { kind: "tensor", value, ...(element === "bool" && { element }) };
      }
      break;
    case AttributeKind.GRAPH:
      if (proto.g !== undefined) return { kind: "graph", value: graphOf(proto.g, external) };
      break;
  }
  throw new Refusal({
    got: `node ${node}: attribute ${proto.name} of type ${proto.type} (AttributeProto.AttributeType)`,
    expected: "numbers, texts, tensors or a graph",
    next: "export the network with another operator in its place",
  });
}

function functionOf(proto: FunctionProto, external: ReadExternal | undefined): GraphFunction {
  return {
    domain: domainOf(proto.domain),
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: proto.attribute,
    ...(proto.attributeProto.length > 0 && {
      defaults: Object.fromEntries(
        proto.attributeProto.map((attribute) => [attribute.name, attributeOf(attribute, proto.name, external)]),
      ),
    }),
    nodes: proto.node.map((node, index) => nodeOf(node, index, external)),
  };
}
