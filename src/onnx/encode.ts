import { create, toBinary } from "@bufbuild/protobuf";
import { ok, type Result, type Shaped, sizeOf } from "../base/index.ts";
import { parseModel } from "./decode.ts";
import {
  type Attribute,
  type ElementType,
  elementOf,
  type Graph,
  type GraphFunction,
  ichorDomain,
  type Model,
  type Node,
  onnxDomain,
  opset,
  type ReferenceType,
  type Value,
} from "./graph.ts";
import {
  AttributeProto_AttributeType as AttributeKind,
  type AttributeProto,
  AttributeProtoSchema,
  TensorProto_DataType as DataType,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.ts";

/** The IR version that goes with an opset (ONNX, "Versioning"); 8 is the first with functions. */
const irVersionOf = (version: number) => (version <= 18 ? 8n : version <= 20 ? 9n : 10n);

/** Number of each element type in TensorProto.DataType. */
const elementCodes: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int16: DataType.INT16,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** The bytes of an `.onnx` file. Equal models give equal bytes. */
export function encodeModel(model: Model): Uint8Array {
  return encode(model, encodeTensor);
}

/** Where the tensors that do not go into the `.onnx` file go. */
export interface ExternalData {
  /** Name of the file beside the model, such as "model.onnx.data". */
  readonly file: string;
  /** Tensors of more bytes than this go there; 1024 where it is left out. */
  readonly above?: number;
}

/**
 * The bytes of an `.onnx` file and of the file beside it that holds its large constants (ONNX IR, "External data"), each
 * at a multiple of 4096 bytes so that it can be mapped. `readModel` reads them with `external`; models above 2 GB, where
 * protobuf ends, need this.
 */
export function encodeModelWithData(
  model: Model,
  { file, above = 1024 }: ExternalData,
): { readonly bytes: Uint8Array; readonly data: Uint8Array } {
  const parts: { readonly offset: number; readonly raw: Uint8Array }[] = [];
  let end = 0;
  const bytes = encode(model, (constant, name, element) => {
    const tensor = encodeTensor(constant, name, element);
    const raw = tensor.rawData;
    if (raw.length <= above) return tensor;
    const offset = Math.ceil(end / 4096) * 4096;
    parts.push({ offset, raw });
    end = offset + raw.length;
    const entries = { location: file, offset: `${offset}`, length: `${raw.length}` };
    tensor.rawData = new Uint8Array(0);
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    return tensor;
  });
  const data = new Uint8Array(end);
  for (const { offset, raw } of parts) data.set(raw, offset);
  return { bytes, data };
}

/** How a constant of the graph becomes a message. */
type TensorWriter = typeof encodeTensor;

function encode({ graph, functions, metadata }: Model, write: TensorWriter): Uint8Array {
  const domains = new Set([...graph.nodes, ...functions.flatMap((body) => body.nodes)].map((node) => node.domain));
  if (functions.length > 0) domains.add(ichorDomain);
  domains.add(onnxDomain);
  const opsetImport = [...domains].sort().map((domain) => opsetOf(domain, graph.opset ?? opset));
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: irVersionOf(graph.opset ?? opset),
      producerName: "ichor",
      opsetImport,
      functions: functions.map((body) => encodeFunction(body, opsetImport)),
      metadataProps: Object.entries(metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
      graph: encodeGraph(graph, write),
    }),
  );
}

function encodeGraph(graph: Graph, write: TensorWriter) {
  return create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map(encodeNode),
    initializer: [...graph.constants].map(([name, constant]) => write(constant, name, graph.types.get(name)?.element)),
    input: graph.inputs.map(encodeValue),
    output: graph.outputs.map(encodeValue),
  });
}

/** The metadata of an `.onnx` file: what it says of itself, without unpacking its weights. */
export function readModelMetadata(bytes: Uint8Array, where: string): Result<Readonly<Record<string, string>>> {
  const model = parseModel(bytes, where);
  if (model.kind === "problem") return model;
  return ok(Object.fromEntries(model.value.metadataProps.map(({ key, value }) => [key, value])));
}

function opsetOf(domain: string, version: number) {
  return create(OperatorSetIdProtoSchema, { domain, version: BigInt(domain === onnxDomain ? version : 1) });
}

function encodeFunction(body: GraphFunction, opsetImport: ReturnType<typeof opsetOf>[]) {
  return create(FunctionProtoSchema, {
    name: body.name,
    domain: body.domain,
    input: [...body.inputs],
    output: [...body.outputs],
    attribute: [...body.attributes],
    attributeProto: Object.entries(body.defaults ?? {}).map(([name, value]) => encodeAttribute(name, value)),
    node: body.nodes.map(encodeNode),
    opsetImport,
  });
}

function encodeNode(node: Node): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.op,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) => encodeAttribute(name, attribute)),
  });
}

const referenceKinds: Readonly<Record<ReferenceType, AttributeKind>> = {
  int: AttributeKind.INT,
  float: AttributeKind.FLOAT,
  ints: AttributeKind.INTS,
  floats: AttributeKind.FLOATS,
  string: AttributeKind.STRING,
  strings: AttributeKind.STRINGS,
  tensor: AttributeKind.TENSOR,
};

function encodeAttribute(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.kind) {
    case "int":
      return create(AttributeProtoSchema, { name, type: AttributeKind.INT, i: BigInt(attribute.value) });
    case "float":
      return create(AttributeProtoSchema, { name, type: AttributeKind.FLOAT, f: attribute.value });
    case "ints":
      return create(AttributeProtoSchema, { name, type: AttributeKind.INTS, ints: attribute.value.map(BigInt) });
    case "floats":
      return create(AttributeProtoSchema, { name, type: AttributeKind.FLOATS, floats: [...attribute.value] });
    case "string":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeKind.STRING,
        s: new TextEncoder().encode(attribute.value),
      });
    case "strings":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeKind.STRINGS,
        strings: attribute.value.map((value) => new TextEncoder().encode(value)),
      });
    case "graph":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeKind.GRAPH,
        g: encodeGraph(attribute.value, encodeTensor),
      });
    case "tensor":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeKind.TENSOR,
        t: encodeTensor(attribute.value, "", attribute.element),
      });
    case "reference":
      return create(AttributeProtoSchema, { name, type: referenceKinds[attribute.type], refAttrName: attribute.name });
  }
}

function encodeTensor({ data, shape }: Shaped, name: string, element?: ElementType) {
  if (data.length !== sizeOf(shape)) throw new Error(`${name}: ${data.length} values do not fill [${shape}]`);
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: elementCodes[element === "bool" ? element : elementOf(data)],
    rawData,
  });
}

function encodeValue({ name, type }: Value): ValueInfoProto {
  const dim = type.shape.map((length) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof length === "number" ? { case: "dimValue", value: BigInt(length) } : { case: "dimParam", value: length },
    }),
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(TypeProto_TensorSchema, {
          elemType: elementCodes[type.element],
          shape: create(TensorShapeProtoSchema, { dim }),
        }),
      },
    }),
  });
}
