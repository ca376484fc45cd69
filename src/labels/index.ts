export { anyIndex, type Label, labelCount, labels, lossWeights } from "./labels.ts";
