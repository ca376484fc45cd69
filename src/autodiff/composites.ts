import { shaped } from "../base/index.ts";
import {
  type Attributes,
  float,
  type GraphBuilder,
  type GraphFunction,
  ichorDomain,
  int,
  intOf,
  ints,
  intsOf,
  type Node,
  onnxDomain,
  reference,
  staticShape,
  string,
  tensor,
  type Value,
  type ValueType,
} from "../onnx/index.ts";

/**
 * A composite operator of the training graph: one readable call whose body in plain ONNX operators travels with the
 * model as a function. ONNX Runtime inlines it anywhere; a runtime that knows a faster form replaces the call.
 */
interface Composite {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  /** Types of the outputs. */
  readonly types: (inputs: readonly Value[], attributes: Attributes) => readonly ValueType[];
  /** Writes the body; values are named freely, inputs and outputs as declared. */
  readonly body: (f: BodyWriter) => void;
}

/** Writes the nodes of a function's body. */
interface BodyWriter {
  /** A node; without a name for its output it gets one. */
  node(op: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** A node with some outputs. */
  nodes(op: string, inputs: readonly string[], count: number, attributes?: Attributes): readonly string[];
  /** A constant float32 scalar. */
  number(value: number): string;
  /** A constant int64 vector. */
  axes(values: readonly number[]): string;
  /** The call's attribute as a value. */
  attribute(name: string, type: "float" | "int" | "ints"): string;
}

const batchAndPlane = [0, 2, 3]; // the axes over which a channel's statistics run, x [N, C, H, W]

/** [C] → [1, C, 1, 1], to broadcast over [N, C, H, W]. */
const perChannel = (f: BodyWriter, vector: string) => f.node("Reshape", [vector, f.axes([1, -1, 1, 1])]);

/** The lengths of some axes of a value, as a vector. */
const lengths = (f: BodyWriter, value: string, start: number, end: number) =>
  f.node("Slice", [f.node("Shape", [value]), f.axes([start]), f.axes([end])]);

/** x [N, G·I, …] → [I, G·N, …] for G groups, whatever the number of spatial axes. */
function exchange(f: BodyWriter, x: string, group: string, output?: string): string {
  const batch = lengths(f, x, 0, 1);
  const each = f.node("Div", [lengths(f, x, 1, 2), group]);
  const join = (parts: readonly string[]) => f.node("Concat", parts, { axis: int(0) });
  const grouped = f.node("Reshape", [x, join([batch, group, each, f.axes([-1])])]);
  const turned = f.node("Transpose", [grouped], { perm: ints([2, 1, 0, 3]) });
  const shape = join([each, f.node("Mul", [group, batch]), lengths(f, x, 2, beyondAll)]);
  return f.node("Reshape", [turned, shape], {}, output);
}

const int64Code = 7; // TensorProto.DataType.INT64

const beyondAll = 2 ** 31 - 1; // an end that Slice cuts to the axis

const statistics = (x: Value): ValueType => ({ element: x.type.element, shape: [x.type.shape[1]!] });

/** One row a composite operator of the domain `ichor`. */
export const composites = {
  // mean_c = mean x, var_c = mean (x − mean_c)², y = scale·(x − mean)/√(var + ε) + bias   (Ioffe & Szegedy 2015)
  BatchNormalizationTraining: {
    inputs: ["x", "scale", "bias"],
    outputs: ["y", "mean", "variance", "inverse"],
    attributes: ["epsilon"],
    types: ([x]) => [x!.type, statistics(x!), statistics(x!), statistics(x!)],
    body(f) {
      const axes = f.axes(batchAndPlane);
      const flat = f.axes([-1]);
      const mean = f.node("ReduceMean", ["x", axes]);
      const centred = f.node("Sub", ["x", mean]);
      const variance = f.node("ReduceMean", [f.node("Mul", [centred, centred]), axes]);
      const deviation = f.node("Sqrt", [f.node("Add", [variance, f.attribute("epsilon", "float")])]);
      const inverse = f.node("Reciprocal", [deviation]);
      const gain = f.node("Mul", [perChannel(f, "scale"), inverse]);
      f.node("Add", [f.node("Mul", [centred, gain]), perChannel(f, "bias")], {}, "y");
      f.node("Reshape", [mean, flat], {}, "mean");
      f.node("Reshape", [variance, flat], {}, "variance");
      f.node("Reshape", [inverse, flat], {}, "inverse");
    },
  },
  // x̂ = (x − mean)·inverse; db = Σ dy; ds = Σ dy·x̂; dx = scale·inverse·(dy − mean dy − x̂·mean(dy·x̂))
  BatchNormalizationGrad: {
    inputs: ["dy", "x", "scale", "mean", "inverse"],
    outputs: ["dx", "dscale", "dbias"],
    attributes: [],
    types: ([, x]) => [x!.type, statistics(x!), statistics(x!)],
    body(f) {
      const axes = f.axes(batchAndPlane);
      const inverse = perChannel(f, "inverse");
      const normal = f.node("Mul", [f.node("Sub", ["x", perChannel(f, "mean")]), inverse]);
      const product = f.node("Mul", ["dy", normal]);
      f.node("ReduceSum", ["dy", axes], { keepdims: int(0) }, "dbias");
      f.node("ReduceSum", [product, axes], { keepdims: int(0) }, "dscale");
      const along = f.node("Mul", [normal, f.node("ReduceMean", [product, axes])]);
      const rest = f.node("Sub", [f.node("Sub", ["dy", f.node("ReduceMean", ["dy", axes])]), along]);
      f.node("Mul", [rest, f.node("Mul", [perChannel(f, "scale"), inverse])], {}, "dx");
    },
  },
  // dx[n,c,·] = Σ_o dy[n,o,·] ⋆ w[o,c,·]: a transposed convolution
  ConvInputGrad: {
    inputs: ["dy", "w", "x"],
    outputs: ["dx"],
    attributes: ["kernel_shape", "strides", "pads", "dilations", "group", "output_padding"],
    types: ([, , x]) => [x!.type],
    body(f) {
      const attributes: Attributes = {
        kernel_shape: reference("kernel_shape", "ints"),
        strides: reference("strides", "ints"),
        pads: reference("pads", "ints"),
        dilations: reference("dilations", "ints"),
        group: reference("group", "int"),
        output_padding: reference("output_padding", "ints"),
      };
      f.node("ConvTranspose", ["dy", "w"], attributes, "dx");
    },
  },
  // dw[o,c,k] = Σ_{n,y} dy[n,o,y]·x[n,c,s·y + k − p]: a convolution of x by dy with batch and channels exchanged, in
  // which strides and dilations change places: x [N, G·I, …] as [I, G·N, …], dy [N, O, …] as [O, N, …].
  // Strides that do not divide leave rows beyond the kernel: cut off.
  ConvWeightGrad: {
    inputs: ["x", "dy"],
    outputs: ["dw"],
    attributes: ["kernel_shape", "strides", "pads", "dilations", "group"],
    types: ([x, dy], attributes) => {
      const perGroup = Number(x!.type.shape[1]) / intOf(attributes, "group", 1);
      const shape = [dy!.type.shape[1]!, perGroup, ...intsOf(attributes, "kernel_shape", [])];
      return [{ element: x!.type.element, shape }];
    },
    body(f) {
      const group = f.node("Reshape", [f.attribute("group", "int"), f.axes([1])]);
      const filter = exchange(f, "dy", f.axes([1]));
      const sums = f.node("Conv", [exchange(f, "x", group), filter], {
        pads: reference("pads", "ints"),
        strides: reference("dilations", "ints"),
        dilations: reference("strides", "ints"),
        group: reference("group", "int"),
      });
      const ends = f.node("Concat", [lengths(f, sums, 0, 2), f.attribute("kernel_shape", "ints")], { axis: int(0) });
      const cut = f.node("Slice", [sums, f.node("Sub", [ends, ends]), ends]);
      exchange(f, cut, f.axes([1]), "dw");
    },
  },
  // y = x, but not before `after` is there: x's shape plus a zero that depends on it. No copy is made, and as the runtime
  // cannot know the shape before it runs, it keeps no buffer of the first computation for the second.
  After: {
    inputs: ["x", "after"],
    outputs: ["y"],
    attributes: [],
    types: ([x]) => [x!.type],
    body(f) {
      const first = f.node("Gather", [f.node("Reshape", ["after", f.axes([-1])]), f.axes([0])], { axis: int(0) });
      const known = f.node("Cast", [f.node("IsNaN", [first])], { to: int(int64Code) });
      const nothing = f.node("Mul", [known, f.axes([0])]);
      f.node("Reshape", ["x", f.node("Add", [f.node("Shape", ["x"]), nothing])], {}, "y");
    },
  },
  // dx = dy / area, the same at every place of the plane
  GlobalAveragePoolGrad: {
    inputs: ["dy", "x"],
    outputs: ["dx"],
    attributes: ["area"],
    types: ([, x]) => [x!.type],
    body(f) {
      f.node("Expand", [f.node("Div", ["dy", f.attribute("area", "float")]), f.node("Shape", ["x"])], {}, "dx");
    },
  },
  // The first maximum under each window in scan order takes its dy, as in PyTorch.
  MaxPoolGrad: {
    inputs: ["dy", "x", "y"],
    outputs: ["dx"],
    attributes: ["kernel_shape", "strides", "pads", "dilations"],
    types: ([, x]) => [x!.type],
    body(f) {
      const flat = f.axes([-1]);
      const [, places] = f.nodes("MaxPool", ["x"], 2, {
        kernel_shape: reference("kernel_shape", "ints"),
        strides: reference("strides", "ints"),
        pads: reference("pads", "ints"),
        dilations: reference("dilations", "ints"),
      });
      const zeros = f.node("Expand", [f.number(0), f.node("Reshape", [f.node("Size", ["x"]), f.axes([1])])]);
      const sums = f.node(
        "ScatterElements",
        [zeros, f.node("Reshape", [places!, flat]), f.node("Reshape", ["dy", flat])],
        { axis: int(0), reduction: string("add") },
      );
      f.node("Reshape", [sums, f.node("Shape", ["x"])], {}, "dx");
    },
  },
  // dx = dy·[y > 0]; at 0 we take 0
  ReluGrad: {
    inputs: ["dy", "y"],
    outputs: ["dx"],
    attributes: [],
    types: ([dy]) => [dy!.type],
    body(f) {
      f.node("Mul", ["dy", f.node("Sign", ["y"])], {}, "dx"); // y ≥ 0, so its sign is the gate
    },
  },
  // loss = Σ_nk w_k·(max(z,0) − z·y + log(1 + e^−|z|)) / (N·Σw): the competition's metric on logits
  WeightedCrossEntropy: {
    inputs: ["z", "y", "share"],
    outputs: ["loss"],
    attributes: [],
    types: ([z]) => [{ element: z!.type.element, shape: [] }],
    body(f) {
      const hinge = f.node("Sub", [f.node("Relu", ["z"]), f.node("Mul", ["z", "y"])]);
      const small = f.node("Exp", [f.node("Neg", [f.node("Abs", ["z"])])]);
      const losses = f.node("Add", [hinge, f.node("Log", [f.node("Add", [small, f.number(1)])])]);
      const weighted = f.node("ReduceSum", [f.node("Mul", [losses, "share"]), f.axes([1])], { keepdims: int(0) });
      f.node("ReduceMean", [weighted, f.axes([0])], { keepdims: int(0) }, "loss");
    },
  },
} as const satisfies Record<string, Composite>;

/** Name of a composite operator. */
export type CompositeName = keyof typeof composites;

/** Writes a call of a composite into a graph. */
export function callComposite(
  g: GraphBuilder,
  name: CompositeName,
  { inputs, attributes = {} }: { readonly inputs: readonly Value[]; readonly attributes?: Attributes },
): Value[] {
  const composite: Composite = composites[name];
  return g.nodes(name, inputs, attributes, { domain: ichorDomain, types: composite.types(inputs, attributes) });
}

/**
 * Batch normalisation in training of x [N, C, …] of any rank: the composite works on planes, other ranks are seen so.
 * @returns y of x's shape, the batch's mean [C] and biased variance [C]
 */
export function normaliseBatch(
  g: GraphBuilder,
  {
    x,
    scale,
    bias,
    epsilon,
  }: { readonly x: Value; readonly scale: Value; readonly bias: Value; readonly epsilon: number },
): { readonly y: Value; readonly mean: Value; readonly variance: Value } {
  const shape = staticShape(x.type);
  const planar = shape.length === 4 ? x : g.node("Reshape", [x, g.axes([shape[0]!, shape[1]!, 1, -1])]);
  const call = { inputs: [planar, scale, bias], attributes: { epsilon: float(epsilon) } };
  const [y, mean, variance] = callComposite(g, "BatchNormalizationTraining", call);
  return { y: planar === x ? y! : g.node("Reshape", [y, g.axes(shape)]), mean: mean!, variance: variance! };
}

/** The functions that the nodes of a graph call. */
export function functionsOf(nodes: readonly Node[]): GraphFunction[] {
  const called = new Set(nodes.filter((node) => node.domain === ichorDomain).map((node) => node.op));
  return Object.keys(composites)
    .filter((name) => called.has(name))
    .map((name) => writeFunction(name as CompositeName));
}

function writeFunction(name: CompositeName): GraphFunction {
  const { inputs, outputs, attributes, body }: Composite = composites[name];
  const nodes: Node[] = [];
  const writer: BodyWriter = {
    node(op, nodeInputs, nodeAttributes = {}, output = `v${nodes.length}`) {
      nodes.push({
        name: "",
        domain: onnxDomain,
        op,
        inputs: nodeInputs,
        outputs: [output],
        attributes: nodeAttributes,
      });
      return output;
    },
    nodes(op, nodeInputs, count, nodeAttributes = {}) {
      const made = Array.from({ length: count }, (_, index) => `v${nodes.length}_${index}`);
      nodes.push({ name: "", domain: onnxDomain, op, inputs: nodeInputs, outputs: made, attributes: nodeAttributes });
      return made;
    },
    number: (value) => writer.node("Constant", [], { value: tensor(shaped(Float32Array.of(value), [])) }),
    axes: (values) =>
      writer.node("Constant", [], { value: tensor(shaped(BigInt64Array.from(values, BigInt), [values.length])) }),
    attribute: (attribute, type) => writer.node("Constant", [], { [`value_${type}`]: reference(attribute, type) }),
  };
  body(writer);
  return { domain: ichorDomain, name, inputs, outputs, attributes, nodes };
}

/** The `area` attribute of GlobalAveragePoolGrad. */
export const areaAttribute = (area: number): Attributes => ({ area: float(area) });
