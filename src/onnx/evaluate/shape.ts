import { shaped, sizeOf } from "../../base/index.ts";
import { floatOf, floatsOf, intOf, intsOf, tensorOf } from "../attributes.ts";
import { arrayAt, type Evaluation, type Evaluations, int64s, numbersLike, truths, widen } from "./evaluation.ts";

/** Element types of ONNX by their numbers (TensorProto.DataType), with an array of the kind that holds them here. */
const kinds = new Map<number, Float64Array | BigInt64Array | Int32Array | Int16Array | Uint8Array>([
  [1, new Float64Array(0)],
  [2, new Uint8Array(0)],
  [5, new Int16Array(0)],
  [6, new Int32Array(0)],
  [7, new BigInt64Array(0)],
  [10, new Float64Array(0)],
  [11, new Float64Array(0)],
]);
const boolType = 9;

const cast: Evaluation = (call) => {
  const { data, shape } = arrayAt(call, 0);
  const to = intOf(call.node.attributes, "to", 1);
  const numbers = Array.from(data, Number);
  if (to === boolType)
    return [
      truths(
        numbers.map((x) => Number(x !== 0)),
        shape,
      ),
    ];
  const kind = kinds.get(to);
  if (kind === undefined) throw new Error(`${call.node.name}: no Cast to element type ${to} is evaluated`);
  return [numbersLike(kind, numbers, shape)];
};

const constant: Evaluation = ({ node: { name, attributes } }) => {
  const { value, value_float, value_floats, value_int, value_ints } = attributes;
  if (value !== undefined) return [widen(tensorOf(attributes, "value")!)];
  if (value_float !== undefined) return [shaped(Float64Array.of(floatOf(attributes, "value_float", 0)), [])];
  if (value_int !== undefined) return [int64s([intOf(attributes, "value_int", 0)], [])];
  if (value_ints !== undefined) return [int64s(intsOf(attributes, "value_ints", []))];
  if (value_floats === undefined) throw new Error(`${name}: this kind of Constant is not evaluated`);
  const numbers = floatsOf(attributes, "value_floats", []);
  return [shaped(Float64Array.from(numbers), [numbers.length])];
};

const constantOfShape: Evaluation = (call) => {
  const shape = Array.from(arrayAt(call, 0).data, Number);
  const { data } = widen(tensorOf(call.node.attributes, "value") ?? shaped(new Float64Array(1), [1]));
  return [numbersLike(data, new Array(sizeOf(shape)).fill(Number(data[0])), shape)];
};

const range: Evaluation = (call) => {
  const like = arrayAt(call, 0).data;
  const [start, limit, delta] = [0, 1, 2].map((index) => Number(arrayAt(call, index).data[0]));
  const length = Math.max(0, Math.ceil((limit! - start!) / delta!));
  return [
    numbersLike(
      like,
      Array.from({ length }, (_, i) => start! + i * delta!),
      [length],
    ),
  ];
};

/** Shapes, constants and element types. */
export const shape: Evaluations = {
  Cast: cast,
  CastLike: (call) => [
    numbersLike(arrayAt(call, 1).data, Array.from(arrayAt(call, 0).data, Number), arrayAt(call, 0).shape),
  ],
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  Shape: (call) => {
    const lengths = arrayAt(call, 0).shape;
    const { attributes } = call.node;
    return [int64s(lengths.slice(intOf(attributes, "start", 0), intOf(attributes, "end", lengths.length)))];
  },
  Size: (call) => [int64s([arrayAt(call, 0).data.length], [])],
};
