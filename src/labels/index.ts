export { type Fold, type FoldFractions, folds } from "./assignment.ts";
export { type Component, components, identicalRows } from "./components.ts";
export { anyIndex, type Label, labelCount, labels, lossWeights } from "./labels.ts";
export {
  assignFolds,
  parseSplit,
  rowsOfFold,
  type Split,
  splitHash,
  splitSchema,
} from "./splits.ts";
export { parseLabelId, submissionHeader, submissionLines } from "./submission.ts";
