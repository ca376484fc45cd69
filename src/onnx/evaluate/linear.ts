import { type Shaped, shaped, sizeOf } from "../../base/index.ts";
import { floatOf, intOf, stringOf } from "../attributes.ts";
import { einsumLengths, parseEinsum } from "../einsum.ts";
import {
  arrayAt,
  broadcast,
  type Evaluation,
  type Evaluations,
  numbersLike,
  offsetOf,
  placesOf,
  stretchedFrom,
  stridesOf,
} from "./evaluation.ts";

// y[.., i, j] = Σ_k a[.., i, k]·b[.., k, j]; a vector is a row on the left and a column on the right, and drops out again
const matMul: Evaluation = (call) => {
  const [a, b] = [arrayAt(call, 0), arrayAt(call, 1)];
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const batch = broadcast([left.slice(0, -2), right.slice(0, -2)]);
  const [rows, inner, columns] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  if (right.at(-2) !== inner) throw new Error(`${call.node.name}: [${a.shape}] and [${b.shape}] do not multiply`);
  const [leftStrides, rightStrides] = [stridesOf(left), stridesOf(right)];
  const values: number[] = [];
  for (const place of placesOf([...batch, rows, columns])) {
    const [i, j] = [place.at(-2)!, place.at(-1)!];
    const lead = place.slice(0, -2);
    const startA = offsetOf([...stretchedFrom(lead, left.slice(0, -2)), i, 0], leftStrides);
    const startB = offsetOf([...stretchedFrom(lead, right.slice(0, -2)), 0, j], rightStrides);
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += Number(a.data[startA + k]) * Number(b.data[startB + k * columns]);
    values.push(sum);
  }
  const shape = [...batch, ...(a.shape.length === 1 ? [] : [rows]), ...(b.shape.length === 1 ? [] : [columns])];
  return [numbersLike(a.data, values, shape)];
};

// y = α·a'·b' + β·c
const gemm: Evaluation = (call) => {
  const { attributes } = call.node;
  const [a, b, c] = [arrayAt(call, 0), arrayAt(call, 1), call.inputs[2]];
  const [alpha, beta] = [floatOf(attributes, "alpha", 1), floatOf(attributes, "beta", 1)];
  const turned = ({ data, shape }: Shaped, flag: string) => {
    const [rows, columns] = shape as [number, number];
    return intOf(attributes, flag, 0) === 1
      ? { length: [columns, rows], at: (i: number, j: number) => Number(data[j * columns + i]) }
      : { length: [rows, columns], at: (i: number, j: number) => Number(data[i * columns + j]) };
  };
  const [left, right] = [turned(a, "transA"), turned(b, "transB")];
  const shape = [left.length[0]!, right.length[1]!];
  const strides = c && stridesOf(c.shape);
  const values = new Float64Array(sizeOf(shape));
  let index = 0;
  for (const place of placesOf(shape)) {
    const [i, j] = place as readonly [number, number];
    let sum = 0;
    for (let k = 0; k < left.length[1]!; k++) sum += left.at(i, k) * right.at(k, j);
    const added = c && strides ? Number(c.data[offsetOf(stretchedFrom(place, c.shape), strides)]) : 0;
    values[index++] = alpha * sum + beta * added;
  }
  return [shaped(values, shape)];
};

// y[out] = Σ over the labels that out has not, Π_i x_i[labels_i]
const einsum: Evaluation = (call) => {
  const operands = call.inputs.map((_, index) => arrayAt(call, index));
  const shapes = operands.map(({ shape }) => shape);
  const equation = parseEinsum(
    stringOf(call.node.attributes, "equation", ""),
    shapes.map(({ length }) => length),
  );
  const lengths = einsumLengths(equation, shapes);
  const summed = [...lengths.keys()].filter((label) => !equation.output.includes(label));
  const shape = equation.output.map((label) => lengths.get(label)!);
  const strides = shapes.map(stridesOf);
  const values: number[] = [];
  for (const place of placesOf(shape)) {
    let sum = 0;
    for (const inner of placesOf(summed.map((label) => lengths.get(label)!))) {
      const indices = [...place, ...inner];
      const at = new Map([...equation.output, ...summed].map((label, i) => [label, indices[i]!]));
      sum += operands.reduce((product, { data }, i) => {
        const own = equation.inputs[i]!.map((label, axis) => (shapes[i]![axis] === 1 ? 0 : at.get(label)!));
        return product * Number(data[offsetOf(own, strides[i]!)]);
      }, 1);
    }
    values.push(sum);
  }
  return [numbersLike(operands[0]!.data, values, shape)];
};

/** Matrix products and other sums of products. */
export const linear: Evaluations = { Einsum: einsum, Gemm: gemm, MatMul: matMul };
