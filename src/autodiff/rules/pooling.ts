import { shaped, sizeOf } from "../../base/index.ts";
import {
  type Attributes,
  type GraphBuilder,
  ints,
  poolingOf,
  type Sliding,
  staticShape,
  type Value,
  windowSizes,
} from "../../onnx/index.ts";
import { areaAttribute, callComposite } from "../composites.ts";
import { numbersLike } from "./formulas.ts";
import { at, type ForwardCall, type Gradient, type Gradients, reshapeLike } from "./rule.ts";

const spatial = (value: Value) => staticShape(value.type).slice(2);

const attributesOf = ({ kernel, strides, pads, dilations }: Sliding): Attributes => ({
  kernel_shape: ints(kernel),
  strides: ints(strides),
  pads: ints(pads),
  dilations: ints(dilations),
});

const maxGradient = (g: GraphBuilder, { inputs, outputs }: ForwardCall, how: { dy: Value; sliding: Sliding }) =>
  at(
    callComposite(g, "MaxPoolGrad", {
      inputs: [how.dy, at(inputs, 0), at(outputs, 0)],
      attributes: attributesOf(how.sliding),
    }),
    0,
  );

const averagePool: Gradient = (g, { node, inputs }, dy) => {
  const x = at(inputs, 0);
  const [size, slid] = [spatial(x), spatial(dy)];
  const sliding = poolingOf(node, size);
  const { kernel, strides, pads, dilations } = sliding;
  const shares = windowSizes(node, size).map((taps) => 1 / taps);
  const planes = sizeOf(staticShape(dy.type).slice(0, 2));
  // What ConvTranspose falls short of x, where windows do not reach its end.
  const short = size.map((length, axis) => {
    const reach = (slid[axis]! - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1;
    return length - (reach - pads[axis]! - pads[axis + size.length]!);
  });
  const ones = shaped(new Float32Array(sizeOf(kernel)).fill(1), [1, 1, ...kernel]);
  return [
    () => {
      const share = g.node("Mul", [dy, numbersLike(g, shaped(Float64Array.from(shares), [1, 1, ...slid]), dy)]);
      const plane = g.node("Reshape", [share, g.axes([planes, 1, ...slid])]);
      const attributes = { ...attributesOf(sliding), output_padding: ints(short) };
      return reshapeLike(g, g.node("ConvTranspose", [plane, numbersLike(g, ones, dy)], attributes), x);
    },
  ];
};

/** Poolings. */
export const pooling: Gradients = {
  // y = Σ x / n under a window     dx = Σ dy/n over the windows that see x
  AveragePool: averagePool,
  // y_c = mean x_c      dx = dy/area
  GlobalAveragePool: (g, { inputs }, dy) => {
    const x = at(inputs, 0);
    const attributes = areaAttribute(sizeOf(spatial(x)));
    return [() => at(callComposite(g, "GlobalAveragePoolGrad", { inputs: [dy, x], attributes }), 0)];
  },
  // y_c = max x_c       the first maximum gets dy
  GlobalMaxPool: (g, call, dy) => {
    const size = spatial(at(call.inputs, 0));
    const [ones, zeros] = [size.map(() => 1), [...size, ...size].map(() => 0)];
    const sliding = { kernel: size, strides: ones, pads: zeros, dilations: ones };
    return [() => maxGradient(g, call, { dy, sliding })];
  },
  // y = max x under a window       its first maximum gets dy
  MaxPool: (g, call, dy) => {
    const sliding = poolingOf(call.node, spatial(at(call.inputs, 0)));
    return [() => maxGradient(g, call, { dy, sliding })];
  },
};
