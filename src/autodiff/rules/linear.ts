import { type GraphBuilder, int, intOf, ints, type Value } from "../../onnx/index.ts";
import { at, type Gradient, type Gradients, sumTo } from "./rule.ts";

const swapLastTwo = (g: GraphBuilder, value: Value) => {
  const order = value.type.shape.map((_, axis) => axis);
  const rank = order.length;
  return g.node("Transpose", [value], { perm: ints([...order.slice(0, -2), rank - 1, rank - 2]) });
};

const gemm: Gradient = (g, { node, inputs }, dy) => {
  const [a, b, c] = [at(inputs, 0), at(inputs, 1), inputs[2]];
  const [ta, tb] = [intOf(node.attributes, "transA", 0), intOf(node.attributes, "transB", 0)];
  const product = (x: Value, tx: number, y: Value, ty: number) =>
    g.node("Gemm", [x, y], { transA: int(tx), transB: int(ty) });
  return [
    () => (ta === 1 ? product(b, tb, dy, 1) : product(dy, 0, b, 1 - tb)),
    () => (tb === 1 ? product(dy, 1, a, ta) : product(a, 1 - ta, dy, 0)),
    () => sumTo(g, dy, c ?? dy),
  ];
};

/** Matrix products. */
export const linear: Gradients = {
  // y = a·b + c         da = dy·bᵀ, db = aᵀ·dy, dc = Σ dy
  Gemm: gemm,
  // y = a·b             da = dy·bᵀ, db = aᵀ·dy      a [.., m, k], b [.., k, n]
  MatMul: (g, { inputs }, dy) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    return [
      () => sumTo(g, g.node("MatMul", [dy, swapLastTwo(g, b)]), a),
      () => sumTo(g, g.node("MatMul", [swapLastTwo(g, a), dy]), b),
    ];
  },
};
