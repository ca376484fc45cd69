import { at, type Gradients } from "./rule.ts";

/** Losses. */
export const loss: Gradients = {
  // L = mean_n Σ_k share_k·BCE(z_nk, y_nk)      dz = dL·share·(σ(z) − y)/N
  "ichor:WeightedCrossEntropy": (g, { inputs }, dy) => {
    const [z, y, share] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const rows = g.scalar(1 / Number(z.type.shape[0]));
    const error = () => g.node("Sub", [g.node("Sigmoid", [z]), y]);
    return [() => g.node("Mul", [g.node("Mul", [error(), share]), g.node("Mul", [dy, rows])]), "none", "none"];
  },
};
