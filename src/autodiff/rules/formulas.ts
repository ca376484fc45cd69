import { type Shaped, shaped } from "../../base/index.ts";
import { float, type GraphBuilder, type Value, type ValueType } from "../../onnx/index.ts";

/** A value, or a number that stands for a scalar of the other operand's element type. */
type Operand = Value | number;

/** A scalar of a value's element type. */
export function scalarLike(g: GraphBuilder, number: number, { type }: { readonly type: ValueType }): Value {
  if (type.element === "float64") return g.constant(shaped(Float64Array.of(number), []));
  if (type.element === "float32") return g.scalar(number);
  if (type.element === "int32") return g.constant(shaped(Int32Array.of(number), []));
  if (type.element === "int64") return g.constant(shaped(BigInt64Array.of(BigInt(number)), []));
  throw new Error(`a formula has no numbers of type ${type.element}`);
}

/** Numbers of a value's element type. */
export function numbersLike(g: GraphBuilder, { data, shape }: Shaped, { type }: Value): Value {
  const values = Array.from(data, Number);
  return g.constant(shaped(type.element === "float64" ? Float64Array.from(values) : Float32Array.from(values), shape));
}

/** Operators by short names, so that a rule reads like its formula. */
export function formulas(g: GraphBuilder) {
  const value = (operand: Operand, other: Operand): Value => {
    if (typeof operand !== "number") return operand;
    if (typeof other === "number") throw new Error("a formula of numbers alone has no element type");
    return scalarLike(g, operand, other);
  };
  const two = (op: string) => (a: Operand, b: Operand) => g.node(op, [value(a, b), value(b, a)]);
  const one = (op: string) => (x: Value) => g.node(op, [x]);
  return {
    add: two("Add"),
    sub: two("Sub"),
    mul: two("Mul"),
    div: two("Div"),
    pow: two("Pow"),
    equal: two("Equal"),
    greater: two("Greater"),
    less: two("Less"),
    both: two("And"),
    neg: one("Neg"),
    exp: one("Exp"),
    log: one("Log"),
    sqrt: one("Sqrt"),
    square: (x: Value) => g.node("Mul", [x, x]),
    sigmoid: one("Sigmoid"),
    tanh: one("Tanh"),
    sign: one("Sign"),
    sin: one("Sin"),
    abs: one("Abs"),
    cos: one("Cos"),
    sinh: one("Sinh"),
    cosh: one("Cosh"),
    erf: one("Erf"),
    softplus: one("Softplus"),
    elu: (x: Value, alpha: number) => g.node("Elu", [x], { alpha: float(alpha) }),
    hardSigmoid: (x: Value, alpha: number) => g.node("HardSigmoid", [x], { alpha: float(alpha), beta: float(0.5) }),
    /** yes where the condition holds, no elsewhere; a number stands for a scalar. */
    where: (condition: Value, yes: Operand, no: Operand) =>
      g.node("Where", [condition, value(yes, no), value(no, yes)]),
    /** 1 where the condition holds and 0 elsewhere, in a value's element type. */
    indicator: (condition: Value, like: Value) =>
      g.node("Where", [condition, scalarLike(g, 1, like), scalarLike(g, 0, like)]),
  };
}
