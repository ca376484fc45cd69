import {
  type Attributes,
  type GraphBuilder,
  int,
  intOf,
  ints,
  intsOf,
  type Node,
  operatorKey,
  slidingOf,
  staticShape,
  type Value,
} from "../onnx/index.ts";
import { areaAttribute, callComposite } from "./composites.ts";

/** A node of the forward graph with its values, as a gradient rule sees it. */
export interface ForwardCall {
  readonly node: Node;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** An input's integers where it is a constant (axes, shapes). */
  readonly integers: (index: number) => readonly number[] | undefined;
}

/** dL/d(input) on demand: only those that some parameter needs are ever written. */
type InputGradient = (() => Value) | "none";

/** dL/d(input) for each input of a node, given dy = dL/d(output) of each output ("none" where none flows back). */
export type Gradient = (
  g: GraphBuilder,
  call: ForwardCall,
  dy: Value,
  rest: readonly (Value | undefined)[],
) => readonly InputGradient[];

/** Sums a gradient over the axes along which its input was stretched by broadcasting. */
function sumTo(g: GraphBuilder, gradient: Value, like: Value): Value {
  const [from, to] = [gradient.type.shape, like.type.shape];
  const lead = from.length - to.length;
  const axes = from.flatMap((length, axis) => (axis < lead || (to[axis - lead] === 1 && length !== 1) ? [axis] : []));
  if (axes.length === 0) return gradient;
  const summed = g.node("ReduceSum", [gradient, g.axes(axes)], { keepdims: int(1) });
  return lead === 0 ? summed : g.node("Reshape", [summed, g.axes(staticShape(like.type))]);
}

const reshapeLike = (g: GraphBuilder, gradient: Value, like: Value) =>
  g.node("Reshape", [gradient, g.axes(staticShape(like.type))]);

const swapLastTwo = (g: GraphBuilder, value: Value) => {
  const order = value.type.shape.map((_, axis) => axis);
  const rank = order.length;
  return g.node("Transpose", [value], { perm: ints([...order.slice(0, -2), rank - 1, rank - 2]) });
};

/** A reduction's gradient with the reduced axes back as 1, ready to be stretched. */
function unreduce(g: GraphBuilder, { node, inputs, integers }: ForwardCall, dy: Value): Value {
  if (intOf(node.attributes, "keepdims", 1) === 1) return dy;
  const shape = staticShape(at(inputs, 0).type);
  const axes = new Set(
    (integers(1) ?? shape.map((_, axis) => axis)).map((axis) => (axis + shape.length) % shape.length),
  );
  return g.node("Reshape", [dy, g.axes(shape.map((length, axis) => (axes.has(axis) ? 1 : length)))]);
}

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

const conv: Gradient = (g, { node, inputs, outputs }, dy) => {
  const [x, w, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
  if (intOf(node.attributes, "group", 1) !== 1 || x.type.shape.length !== 4) {
    throw new Error(
      `${node.name}: no gradient of a grouped or not two-dimensional Conv yet: see conv in src/autodiff/gradients.ts`,
    );
  }
  const kernel = staticShape(w.type).slice(2);
  const { strides, pads, dilations } = slidingOf(node, kernel);
  const shared: Attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    pads: ints(pads),
    dilations: ints(dilations),
  };
  const [size, slid] = [staticShape(x.type).slice(2), staticShape(at(outputs, 0).type).slice(2)];
  // Rows of x beyond the last full stride get no gradient: the transposed convolution pads them.
  const padding = size.map((length, axis) => {
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
    return length - ((slid[axis]! - 1) * strides[axis]! + reach - pads[axis]! - pads[axis + 2]!);
  });
  return [
    () =>
      at(
        callComposite(g, "ConvInputGrad", {
          inputs: [dy, w, x],
          attributes: { ...shared, output_padding: ints(padding) },
        }),
        0,
      ),
    () => at(callComposite(g, "ConvWeightGrad", { inputs: [x, dy], attributes: shared }), 0),
    () => reshapeLike(g, g.node("ReduceSum", [dy, g.axes([0, 2, 3])], { keepdims: int(0) }), bias ?? dy),
  ];
};

const batchNormalization: Gradient = (g, { inputs, outputs }, dy) => {
  const [x, scale] = [at(inputs, 0), at(inputs, 1)];
  const [, mean, , inverse] = outputs;
  if (mean === undefined || inverse === undefined) throw new Error("batch normalisation lacks its statistics");
  const gradients = callComposite(g, "BatchNormalizationGrad", { inputs: [dy, x, scale, mean, inverse] });
  return gradients.map((gradient) => () => gradient);
};

/** One rule an operator: the formula, then its nodes. */
export const gradients: Readonly<Record<string, Gradient>> = {
  // y = |x|             dx = dy·sign x
  Abs: (g, { inputs }, dy) => [() => g.node("Mul", [dy, g.node("Sign", [at(inputs, 0)])])],
  // y = a + b           da = dy, db = dy (summed where stretched)
  Add: (g, { inputs }, dy) => inputs.map((input) => () => sumTo(g, dy, input)),
  // y = w ⋆ x + b       dx = w ⋆ᵀ dy, dw = x ⋆ dy, db = Σ dy
  Conv: conv,
  // y = eˣ              dx = dy·y
  Exp: (g, { outputs }, dy) => [() => g.node("Mul", [dy, at(outputs, 0)])],
  Flatten: (g, { inputs }, dy) => [() => reshapeLike(g, dy, at(inputs, 0))],
  // y = a·b + c         da = dy·bᵀ, db = aᵀ·dy, dc = Σ dy
  Gemm: gemm,
  // y_c = mean x_c      dx = dy/(H·W)
  GlobalAveragePool: (g, { inputs }, dy) => {
    const x = at(inputs, 0);
    const [, , height = 1, width = 1] = staticShape(x.type);
    return [
      () =>
        at(callComposite(g, "GlobalAveragePoolGrad", { inputs: [dy, x], attributes: areaAttribute(height, width) }), 0),
    ];
  },
  Identity: (_, __, dy) => [() => dy],
  // y = log x           dx = dy/x
  Log: (g, { inputs }, dy) => [() => g.node("Div", [dy, at(inputs, 0)])],
  // y = a·b             da = dy·bᵀ, db = aᵀ·dy      a [.., m, k], b [.., k, n]
  MatMul: (g, { inputs }, dy) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    return [
      () => sumTo(g, g.node("MatMul", [dy, swapLastTwo(g, b)]), a),
      () => sumTo(g, g.node("MatMul", [swapLastTwo(g, a), dy]), b),
    ];
  },
  // y = a∘b             da = dy∘b, db = dy∘a
  Mul: (g, { inputs }, dy) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    return [() => sumTo(g, g.node("Mul", [dy, b]), a), () => sumTo(g, g.node("Mul", [dy, a]), b)];
  },
  Neg: (g, _, dy) => [() => g.node("Neg", [dy])],
  // y = mean x          dx = dy/n at each of the n places
  ReduceMean: (g, call, dy) => {
    const x = at(call.inputs, 0);
    const share = lengthProduct(x) / lengthProduct(at(call.outputs, 0));
    const spread = () => g.node("Expand", [unreduce(g, call, dy), g.axes(staticShape(x.type))]);
    return [() => g.node("Mul", [spread(), g.scalar(1 / share)])];
  },
  // y = Σ x             dx = dy at each place
  ReduceSum: (g, call, dy) => [
    () => g.node("Expand", [unreduce(g, call, dy), g.axes(staticShape(at(call.inputs, 0).type))]),
  ],
  // y = max(x, 0)       dx = dy·[y > 0]
  Relu: (g, { outputs }, dy) => [() => at(callComposite(g, "ReluGrad", { inputs: [dy, at(outputs, 0)] }), 0)],
  Reshape: (g, { inputs }, dy) => [() => reshapeLike(g, dy, at(inputs, 0)), "none"],
  // y = σ(x)            dx = dy·y·(1 − y)
  Sigmoid: (g, { outputs }, dy) => {
    const y = at(outputs, 0);
    return [() => g.node("Mul", [dy, g.node("Mul", [y, g.node("Sub", [g.scalar(1), y])])])];
  },
  // y = a − b           da = dy, db = −dy
  Sub: (g, { inputs }, dy) => [() => sumTo(g, dy, at(inputs, 0)), () => sumTo(g, g.node("Neg", [dy]), at(inputs, 1))],
  Transpose: (g, { node, inputs }, dy) => {
    const rank = at(inputs, 0).type.shape.length;
    const order = intsOf(
      node.attributes,
      "perm",
      Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
    );
    return [() => g.node("Transpose", [dy], { perm: ints(order.map((_, axis) => order.indexOf(axis))) })];
  },
  "ichor:BatchNormalizationTraining": batchNormalization,
  // L = mean_n Σ_k share_k·BCE(z_nk, y_nk)      dz = dL·share·(σ(z) − y)/N
  "ichor:WeightedCrossEntropy": (g, { inputs }, dy) => {
    const [z, y, share] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const rows = g.scalar(1 / Number(z.type.shape[0]));
    const error = () => g.node("Sub", [g.node("Sigmoid", [z]), y]);
    return [() => g.node("Mul", [g.node("Mul", [error(), share]), g.node("Mul", [dy, rows])]), "none", "none"];
  },
};

/** The rule of a node; an operator without one is an error that names node, operator and where to add it. */
export function gradientOf(node: Node): Gradient {
  const key = operatorKey(node);
  const rule = gradients[key];
  if (rule !== undefined) return rule;
  throw new Error(`${node.name}: no gradient rule for ${key}: add a row to gradients in src/autodiff/gradients.ts`);
}

const lengthProduct = (value: Value) => staticShape(value.type).reduce((product, length) => product * length, 1);

function at(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new Error(`value ${index} is missing`);
  return value;
}
