import type { ElementType } from "../graph.ts";

/** Element types by their numbers in ONNX (TensorProto.DataType). */
const elements = new Map<number, ElementType>([
  [1, "float32"],
  [2, "uint8"],
  [5, "int16"],
  [6, "int32"],
  [7, "int64"],
  [9, "bool"],
  [11, "float64"],
]);

/** The element type with this number; an error that names the operator where Ichor has none. */
export function elementOfCode(key: string, code: number): ElementType {
  const element = elements.get(code);
  if (element === undefined) throw new Error(`${key}: element type ${code} (TensorProto.DataType) is none of Ichor's`);
  return element;
}
