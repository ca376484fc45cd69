import type { Shaped } from "../../base/index.ts";
import { floatOf, intOf, stringOf } from "../attributes.ts";
import type { Attributes } from "../graph.ts";
import {
  arrayAt,
  broadcast,
  type Evaluation,
  type EvaluationCall,
  type Evaluations,
  integersAt,
  numberAt,
  numbersLike,
  offsetOf,
  pick,
  placesOf,
  stretchedFrom,
  stridesOf,
  truths,
} from "./evaluation.ts";
import { erf } from "./special.ts";

/** y = f(x), number by number. */
export type Unary = (x: number, attributes: Attributes) => number;
/** y = f(a, b), number by number, with broadcasting. */
type Binary = (a: number, b: number, call: EvaluationCall) => number;

const sigmoid = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
/** log(1 + eˣ), which does not overflow. */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
/** To the nearest integer, halves to the even one. */
const roundHalfEven = (x: number) => {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
};
const gelu: Unary = (x, attributes) =>
  stringOf(attributes, "approximate", "none") === "tanh"
    ? (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : (x / 2) * (1 + erf(x / Math.SQRT2));
const elu = (x: number, alpha: number) => (x < 0 ? alpha * Math.expm1(x) : x);

/** Operators of one input that keep its shape and element type, y = f(x) number by number: one line each. */
export const unary: Readonly<Record<string, Unary>> = {
  Abs: Math.abs,
  Acos: Math.acos,
  Acosh: Math.acosh,
  Asin: Math.asin,
  Asinh: Math.asinh,
  Atan: Math.atan,
  Atanh: Math.atanh,
  Ceil: Math.ceil,
  Celu: (x, a) => Math.max(x, 0) + Math.min(0, floatOf(a, "alpha", 1) * Math.expm1(x / floatOf(a, "alpha", 1))),
  Cos: Math.cos,
  Cosh: Math.cosh,
  Elu: (x, a) => elu(x, floatOf(a, "alpha", 1)),
  Erf: erf,
  Exp: Math.exp,
  Floor: Math.floor,
  Gelu: gelu,
  HardSigmoid: (x, a) => clamp(floatOf(a, "alpha", 0.2) * x + floatOf(a, "beta", 0.5), 0, 1),
  HardSwish: (x) => x * clamp(x / 6 + 0.5, 0, 1),
  Identity: (x) => x,
  LeakyRelu: (x, a) => (x < 0 ? floatOf(a, "alpha", 0.01) * x : x),
  Log: Math.log,
  Mish: (x) => x * Math.tanh(softplus(x)),
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(x, 0),
  Round: roundHalfEven,
  Selu: (x, a) => floatOf(a, "gamma", 1.0507009873554805) * elu(x, floatOf(a, "alpha", 1.6732632423543772)),
  Shrink: (x, a) => {
    const [lambda, bias] = [floatOf(a, "lambd", 0.5), floatOf(a, "bias", 0)];
    return x < -lambda ? x + bias : x > lambda ? x - bias : 0;
  },
  Sigmoid: sigmoid,
  Sign: Math.sign,
  Sin: Math.sin,
  Sinh: Math.sinh,
  Softplus: softplus,
  Softsign: (x) => x / (1 + Math.abs(x)),
  Sqrt: Math.sqrt,
  Tan: Math.tan,
  Tanh: Math.tanh,
  ThresholdedRelu: (x, a) => (x > floatOf(a, "alpha", 1) ? x : 0),
};

/** A number modulo another one: with the sign of the divisor, or of the dividend where `fmod` is set. */
const modulo: Binary = (a, b, { node }) => {
  const rest = a % b;
  return intOf(node.attributes, "fmod", 0) === 1 || rest === 0 || rest < 0 === b < 0 ? rest : rest + b;
};

const binary: Readonly<Record<string, Binary>> = {
  Add: (a, b) => a + b,
  Div: (a, b) => a / b, // integers are cut towards zero where they are written back
  Mod: modulo,
  Mul: (a, b) => a * b,
  Pow: (a, b) => a ** b,
  PRelu: (x, slope) => (x < 0 ? slope * x : x),
  Sub: (a, b) => a - b,
};

const comparisons: Readonly<Record<string, Binary>> = {
  And: (a, b) => a & b,
  Equal: (a, b) => Number(a === b),
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Or: (a, b) => a | b,
  Xor: (a, b) => a ^ b,
};

/** Operators of any number of inputs, two at a time. */
const variadic: Readonly<Record<string, (a: number, b: number) => number>> = {
  Max: (a, b) => Math.max(a, b),
  Min: (a, b) => Math.min(a, b),
  Sum: (a, b) => a + b,
};

const questions: Readonly<Record<string, Unary>> = {
  IsInf: (x, a) =>
    Number(
      (x === Number.POSITIVE_INFINITY && intOf(a, "detect_positive", 1) === 1) ||
        (x === Number.NEGATIVE_INFINITY && intOf(a, "detect_negative", 1) === 1),
    ),
  IsNaN: (x) => Number(Number.isNaN(x)),
  Not: (x) => Number(x === 0),
};

/** f over the numbers of several arrays, stretched to one shape. */
function stretch(arrays: readonly Shaped[], f: (numbers: readonly number[]) => number) {
  const shape = broadcast(arrays.map((array) => array.shape));
  const strides = arrays.map((array) => stridesOf(array.shape));
  const values: number[] = [];
  for (const place of placesOf(shape)) {
    values.push(
      f(arrays.map(({ data, shape: own }, i) => Number(data[offsetOf(stretchedFrom(place, own), strides[i]!)]))),
    );
  }
  return { values, shape };
}

const mapped =
  (f: Unary): Evaluation =>
  (call) => {
    const { data, shape } = arrayAt(call, 0);
    return [
      numbersLike(
        data,
        Array.from(data, Number).map((x) => f(x, call.node.attributes)),
        shape,
      ),
    ];
  };

const asked =
  (f: Unary): Evaluation =>
  (call) => {
    const { data, shape } = arrayAt(call, 0);
    return [
      truths(
        Array.from(data, Number).map((x) => f(x, call.node.attributes)),
        shape,
      ),
    ];
  };

const paired =
  (f: Binary): Evaluation =>
  (call) => {
    const [a, b] = [arrayAt(call, 0), arrayAt(call, 1)];
    const { values, shape } = stretch([a, b], ([left, right]) => f(left!, right!, call));
    return [numbersLike(a.data, values, shape)];
  };

const compared =
  (f: Binary): Evaluation =>
  (call) => {
    const { values, shape } = stretch([arrayAt(call, 0), arrayAt(call, 1)], ([a, b]) => f(a!, b!, call));
    return [truths(values, shape)];
  };

const folded =
  (f: (a: number, b: number) => number): Evaluation =>
  (call) => {
    const arrays = call.inputs.map((_, index) => arrayAt(call, index));
    const { values, shape } = stretch(arrays, (numbers) => numbers.reduce((a, b) => f(a, b)));
    return [numbersLike(arrays[0]!.data, values, shape)];
  };

const rows = <F>(table: Readonly<Record<string, F>>, evaluation: (f: F) => Evaluation): Evaluations =>
  Object.fromEntries(Object.entries(table).map(([op, f]) => [op, evaluation(f)]));

/** Operators that work number by number. */
export const elementwise: Evaluations = {
  ...rows(unary, mapped),
  ...rows(binary, paired),
  ...rows(comparisons, compared),
  ...rows(variadic, folded),
  ...rows(questions, asked),
  Clip: (call) => {
    const { data, shape } = arrayAt(call, 0);
    const [low, high] = [numberAt(call, 1, Number.NEGATIVE_INFINITY), numberAt(call, 2, Number.POSITIVE_INFINITY)];
    return [
      numbersLike(
        data,
        Array.from(data, Number).map((x) => Math.min(Math.max(x, low), high)),
        shape,
      ),
    ];
  },
  CumSum: (call) => {
    const x = arrayAt(call, 0);
    const axis = (integersAt(call, 1)![0]! + x.shape.length) % x.shape.length;
    const [exclusive, reverse] = [
      intOf(call.node.attributes, "exclusive", 0),
      intOf(call.node.attributes, "reverse", 0),
    ];
    const strides = stridesOf(x.shape);
    const values: number[] = [];
    for (const place of placesOf(x.shape)) {
      let sum = 0;
      for (let i = 0; i < x.shape[axis]!; i++) {
        const before = reverse === 1 ? i > place[axis]! : i < place[axis]!;
        if (before || (exclusive === 0 && i === place[axis]))
          sum += Number(x.data[offsetOf(place.with(axis, i), strides)]);
      }
      values.push(sum);
    }
    return [numbersLike(x.data, values, x.shape)];
  },
  Mean: (call) => {
    const arrays = call.inputs.map((_, index) => arrayAt(call, index));
    const { values, shape } = stretch(arrays, (numbers) => numbers.reduce((a, b) => a + b) / numbers.length);
    return [numbersLike(arrays[0]!.data, values, shape)];
  },
  // y = condition ? a : b
  Where: (call) => {
    const [condition, a, b] = [arrayAt(call, 0), arrayAt(call, 1), arrayAt(call, 2)];
    const shape = broadcast([condition.shape, a.shape, b.shape]);
    const [yes, no] = [a, b].map((array) => pick(array, shape, (place) => stretchedFrom(place, array.shape)));
    const chosen = pick(condition, shape, (place) => stretchedFrom(place, condition.shape));
    const data = yes!.data.slice();
    chosen.data.forEach((truth: number | bigint, index: number) => {
      if (!truth) data[index] = no!.data[index]!;
    });
    return [{ data, shape }];
  },
};
