import { float, floatOf, type GraphBuilder, int, intOf, ints, staticShape, type Value } from "../../onnx/index.ts";
import { formulas } from "./formulas.ts";
import { at, type Gradient, type Gradients, reshapeLike, sumTo } from "./rule.ts";

const swapLastTwo = (g: GraphBuilder, value: Value) => {
  const order = value.type.shape.map((_, axis) => axis);
  const rank = order.length;
  return g.node("Transpose", [value], { perm: ints([...order.slice(0, -2), rank - 1, rank - 2]) });
};

const gemm: Gradient = (g, { node, inputs }, dy) => {
  const [a, b, c] = [at(inputs, 0), at(inputs, 1), inputs[2]];
  const [ta, tb] = [intOf(node.attributes, "transA", 0), intOf(node.attributes, "transB", 0)];
  const [alpha, beta] = [floatOf(node.attributes, "alpha", 1), floatOf(node.attributes, "beta", 1)];
  const scale = alpha === 1 ? {} : { alpha: float(alpha) };
  const product = (x: Value, tx: number, y: Value, ty: number) =>
    g.node("Gemm", [x, y], { transA: int(tx), transB: int(ty), ...scale });
  return [
    () => (ta === 1 ? product(b, tb, dy, 1) : product(dy, 0, b, 1 - tb)),
    () => (tb === 1 ? product(dy, 1, a, ta) : product(a, 1 - ta, dy, 0)),
    c === undefined ? "none" : () => sumTo(g, beta === 1 ? dy : formulas(g).mul(dy, beta), c),
  ];
};

// A vector on the left is a row, on the right a column (NumPy's matmul); its axis is put back for the rule.
const matMul: Gradient = (g, { inputs }, dy) => {
  const [a, b] = [at(inputs, 0), at(inputs, 1)];
  const [left, right] = [staticShape(a.type), staticShape(b.type)];
  const reshape = (value: Value, shape: readonly number[]) => g.node("Reshape", [value, g.axes(shape)]);
  const matrix = {
    a: () => (left.length === 1 ? reshape(a, [1, ...left]) : a),
    b: () => (right.length === 1 ? reshape(b, [...right, 1]) : b),
    dy: () => {
      if (left.length > 1 && right.length > 1) return dy;
      const batch = staticShape(dy.type).slice(0, Math.max(left.length, right.length) - 2);
      const [rows, columns] = [left.length === 1 ? 1 : left.at(-2)!, right.length === 1 ? 1 : right.at(-1)!];
      return reshape(dy, [...batch, rows, columns]);
    },
  };
  const back = (gradient: Value, matrixForm: Value, like: Value) => {
    const summed = sumTo(g, gradient, matrixForm);
    return matrixForm === like ? summed : reshapeLike(g, summed, like);
  };
  return [
    () => back(g.node("MatMul", [matrix.dy(), swapLastTwo(g, matrix.b())]), matrix.a(), a),
    () => back(g.node("MatMul", [swapLastTwo(g, matrix.a()), matrix.dy()]), matrix.b(), b),
  ];
};

/** Matrix products. */
export const linear: Gradients = {
  // y = α·a·b + β·c     da = α·dy·bᵀ, db = α·aᵀ·dy, dc = β·Σ dy
  Gemm: gemm,
  // y = a·b             da = dy·bᵀ, db = aᵀ·dy      a [.., m, k], b [.., k, n]
  MatMul: matMul,
};
