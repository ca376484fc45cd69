export { brainArea } from "./brain-area.ts";
export { type Prevalence, prevalenceOf, type ScoredSlices } from "./cases.ts";
export { type EvaluateOptions, evaluateRun, evaluationFiles } from "./evaluate-run.ts";
export {
  type Estimate,
  type Evaluation,
  evaluationSchema,
  type Figure,
  type LabelFigures,
  type LevelEvaluation,
  type Provenance,
  parseEvaluation,
  type StoredRocPoint,
} from "./evaluation.ts";
export { evaluateScores, evaluationSteps, type ScoresInput } from "./scores.ts";
export { evaluationTable } from "./table.ts";
