import { shaped } from "../base/index.ts";
import {
  type Attributes,
  float,
  type GraphBuilder,
  type GraphFunction,
  ichorDomain,
  int,
  ints,
  intsOf,
  type Node,
  onnxDomain,
  reference,
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
  /** A constant int64 vector. */
  axes(values: readonly number[]): string;
  /** The call's attribute as a value. */
  attribute(name: string, type: "float" | "ints"): string;
}

const batchAndPlane = [0, 2, 3]; // the axes over which a channel's statistics run, x [N, C, H, W]

/** [C] → [1, C, 1, 1], to broadcast over [N, C, H, W]. */
const perChannel = (f: BodyWriter, vector: string) => f.node("Reshape", [vector, f.axes([1, -1, 1, 1])]);

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
    attributes: ["kernel_shape", "strides", "pads", "dilations", "output_padding"],
    types: ([, , x]) => [x!.type],
    body(f) {
      const attributes: Attributes = {
        kernel_shape: reference("kernel_shape", "ints"),
        strides: reference("strides", "ints"),
        pads: reference("pads", "ints"),
        dilations: reference("dilations", "ints"),
        output_padding: reference("output_padding", "ints"),
      };
      f.node("ConvTranspose", ["dy", "w"], attributes, "dx");
    },
  },
  // dw[o,c,k] = Σ_{n,y} dy[n,o,y]·x[n,c,s·y + k − p]: a convolution of x by dy with batch and channels exchanged,
  // in which strides and dilations change places. Strides that do not divide leave rows beyond the kernel: cut off.
  ConvWeightGrad: {
    inputs: ["x", "dy"],
    outputs: ["dw"],
    attributes: ["kernel_shape", "strides", "pads", "dilations"],
    types: ([x, dy], attributes) => [
      {
        element: x!.type.element,
        shape: [dy!.type.shape[1]!, x!.type.shape[1]!, ...intsOf(attributes, "kernel_shape", [])],
      },
    ],
    body(f) {
      const exchange = { perm: ints([1, 0, 2, 3]) };
      const sums = f.node("Conv", [f.node("Transpose", ["x"], exchange), f.node("Transpose", ["dy"], exchange)], {
        pads: reference("pads", "ints"),
        strides: reference("dilations", "ints"),
        dilations: reference("strides", "ints"),
      });
      const kernel = f.attribute("kernel_shape", "ints");
      const cut = f.node("Slice", [sums, f.axes([0, 0]), kernel, f.axes([2, 3])]);
      f.node("Transpose", [cut], exchange, "dw");
    },
  },
  // dx = dy / (H·W), the same at every place of the plane
  GlobalAveragePoolGrad: {
    inputs: ["dy", "x"],
    outputs: ["dx"],
    attributes: ["area"],
    types: ([, x]) => [x!.type],
    body(f) {
      f.node("Expand", [f.node("Div", ["dy", f.attribute("area", "float")]), f.node("Shape", ["x"])], {}, "dx");
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
      const one = f.node("Constant", [], { value: tensor(shaped(Float32Array.of(1), [])) });
      const losses = f.node("Add", [hinge, f.node("Log", [f.node("Add", [small, one])])]);
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
    axes: (values) =>
      writer.node("Constant", [], { value: tensor(shaped(BigInt64Array.from(values, BigInt), [values.length])) }),
    attribute: (attribute, type) =>
      writer.node("Constant", [], { [type === "float" ? "value_float" : "value_ints"]: reference(attribute, type) }),
  };
  body(writer);
  return { domain: ichorDomain, name, inputs, outputs, attributes, nodes };
}

/** The `area` attribute of GlobalAveragePoolGrad. */
export const areaAttribute = (height: number, width: number): Attributes => ({ area: float(height * width) });
