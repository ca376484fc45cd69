import { staticShape } from "../../onnx/index.ts";
import { areaAttribute, callComposite } from "../composites.ts";
import { at, type Gradients } from "./rule.ts";

/** Poolings. */
export const pooling: Gradients = {
  // y_c = mean x_c      dx = dy/(H·W)
  GlobalAveragePool: (g, { inputs }, dy) => {
    const x = at(inputs, 0);
    const [, , height = 1, width = 1] = staticShape(x.type);
    return [
      () =>
        at(callComposite(g, "GlobalAveragePoolGrad", { inputs: [dy, x], attributes: areaAttribute(height, width) }), 0),
    ];
  },
};
