import { type Attributes, int, intOf, ints, slidingOf, staticShape } from "../../onnx/index.ts";
import { callComposite } from "../composites.ts";
import { at, type Gradient, type Gradients, reshapeLike } from "./rule.ts";

const conv: Gradient = (g, { node, inputs, outputs }, dy) => {
  const [x, w, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
  if (intOf(node.attributes, "group", 1) !== 1 || x.type.shape.length !== 4) {
    throw new Error(
      `${node.name}: no gradient of a grouped or not two-dimensional Conv yet: see src/autodiff/rules/convolution.ts`,
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

/** Convolutions. */
export const convolution: Gradients = {
  // y = w ⋆ x + b       dx = w ⋆ᵀ dy, dw = x ⋆ dy, db = Σ dy
  Conv: conv,
};
