import { callComposite } from "../composites.ts";
import { at, type Gradient, type Gradients } from "./rule.ts";

const batchNormalization: Gradient = (g, { inputs, outputs }, dy) => {
  const [x, scale] = [at(inputs, 0), at(inputs, 1)];
  const [, mean, , inverse] = outputs;
  if (mean === undefined || inverse === undefined) throw new Error("batch normalisation lacks its statistics");
  const gradients = callComposite(g, "BatchNormalizationGrad", { inputs: [dy, x, scale, mean, inverse] });
  return gradients.map((gradient) => () => gradient);
};

/** Normalisations. */
export const normalisation: Gradients = {
  "ichor:BatchNormalizationTraining": batchNormalization,
};
