import { type Shaped, sizeOf } from "../base/index.ts";
import type { ElementType } from "./graph.ts";
import { TensorProto_DataType as DataType, type TensorProto, TensorProto_DataLocation } from "./onnx_pb.ts";
import { Refusal } from "./refusal.ts";

/** Reads `length` bytes (to the end where it is left out) at `offset` of a file beside the model. */
export type ReadExternal = (path: string, offset: number, length: number | undefined) => Uint8Array;

/** The element type that each of ONNX's is held in. Half precision is widened; what is missing is refused. */
export const elementNames: Readonly<Record<number, ElementType | undefined>> = {
  [DataType.FLOAT]: "float32",
  [DataType.FLOAT16]: "float32",
  [DataType.BFLOAT16]: "float32",
  [DataType.DOUBLE]: "float64",
  [DataType.INT64]: "int64",
  [DataType.INT32]: "int32",
  [DataType.INT16]: "int16",
  [DataType.UINT8]: "uint8",
  [DataType.BOOL]: "bool",
};

/** Largest tensor that is read: protobuf itself ends at 2 GB. */
const mostBytes = 2 ** 31;

/** A tensor with its element type, in whichever of the forms it is stored. Throws a Refusal. */
export function decodeTensor(
  proto: TensorProto,
  external: ReadExternal | undefined,
): { readonly value: Shaped; readonly element: ElementType } {
  const element = elementNames[proto.dataType];
  const shape = proto.dims.map(Number);
  const length = sizeOf(shape);
  if (element === undefined) {
    throw new Refusal({
      got: `tensor ${proto.name} with elements of type ${proto.dataType} (TensorProto.DataType)`,
      expected: `one of ${[...new Set(Object.values(elementNames))].join(", ")}`,
      next: "cast it where the network is exported",
    });
  }
  if (shape.some((side) => !Number.isSafeInteger(side) || side < 0) || length * 8 > mostBytes) {
    throw broken(proto, `the shape [${shape}]`);
  }
  const raw = proto.dataLocation === TensorProto_DataLocation.EXTERNAL ? fromOutside(proto, external) : proto.rawData;
  const data = raw.length > 0 ? fromRaw(proto, raw, length) : fromFields(proto, element);
  if (data.length !== length) throw broken(proto, `${data.length} values for the shape [${shape}]`);
  return { value: { data, shape }, element };
}

const broken = ({ name }: TensorProto, got: string) =>
  new Refusal({
    got: `tensor ${name}: ${got}`,
    expected: "as many values as its shape has places",
    next: "get the file again: it is damaged",
  });

/** Little-endian bytes (ONNX IR, "raw_data"), copied so that they are aligned. */
function fromRaw(proto: TensorProto, raw: Uint8Array, length: number): Shaped["data"] {
  const bytes = Uint8Array.from(raw).buffer; // a Buffer's slice would share the memory of the whole file
  const size = raw.length / Math.max(1, length);
  const widths: Readonly<Record<number, number>> = {
    [DataType.FLOAT]: 4,
    [DataType.FLOAT16]: 2,
    [DataType.BFLOAT16]: 2,
    [DataType.DOUBLE]: 8,
    [DataType.INT64]: 8,
    [DataType.INT32]: 4,
    [DataType.INT16]: 2,
    [DataType.UINT8]: 1,
    [DataType.BOOL]: 1,
  };
  if (size !== widths[proto.dataType]) throw broken(proto, `${raw.length} bytes for ${length} values`);
  switch (proto.dataType) {
    case DataType.FLOAT:
      return new Float32Array(bytes);
    case DataType.DOUBLE:
      return new Float64Array(bytes);
    case DataType.INT64:
      return new BigInt64Array(bytes);
    case DataType.INT32:
      return new Int32Array(bytes);
    case DataType.INT16:
      return new Int16Array(bytes);
    case DataType.FLOAT16:
      return Float32Array.from(new Uint16Array(bytes), halfToNumber);
    case DataType.BFLOAT16:
      return new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer);
    default:
      return new Uint8Array(bytes);
  }
}

/** The typed fields; which of them holds which type is said in onnx.proto, TensorProto. */
function fromFields(proto: TensorProto, element: ElementType): Shaped["data"] {
  switch (proto.dataType) {
    case DataType.FLOAT16:
      return Float32Array.from(proto.int32Data, halfToNumber);
    case DataType.BFLOAT16:
      return new Float32Array(Uint32Array.from(proto.int32Data, (bits) => bits << 16).buffer);
  }
  switch (element) {
    case "float32":
      return Float32Array.from(proto.floatData);
    case "float64":
      return Float64Array.from(proto.doubleData);
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    case "int32":
      return Int32Array.from(proto.int32Data);
    case "int16":
      return Int16Array.from(proto.int32Data);
    default:
      return Uint8Array.from(proto.int32Data);
  }
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Data in a file beside the model (ONNX IR, "External tensor data"): never outside the model's folder. */
function fromOutside(proto: TensorProto, external: ReadExternal | undefined): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const path = entries.get("location") ?? "";
  const outside = path === "" || path.startsWith("/") || /^[A-Za-z]:|\\/.test(path) || path.split("/").includes("..");
  const number = (key: string) => (entries.has(key) ? Number(entries.get(key)) : undefined);
  const [offset = 0, length] = [number("offset"), number("length")];
  const countable = [offset, length ?? 0].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (outside || !countable || (length ?? 0) > mostBytes || external === undefined) {
    throw new Refusal({
      got: `tensor ${proto.name} stored in "${path}"`,
      expected: external === undefined ? "a model whose tensors are all in its file" : "a file in the model's folder",
      next: "save the model with its data inside, or keep the data beside it",
    });
  }
  try {
    return external(path, offset, length);
  } catch (error) {
    throw new Refusal({
      got: `tensor ${proto.name} stored in "${path}": ${error instanceof Error ? error.message : String(error)}`,
      expected: "a file beside the model that can be read",
      next: "copy the model together with its data",
    });
  }
}
