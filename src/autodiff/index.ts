export { type CompositeName, composites, functionsOf } from "./composites.ts";
export { decompositions } from "./decompositions.ts";
export { differentiate } from "./differentiate.ts";
export { differentiableOperators, gradients } from "./gradients.ts";
export { limits } from "./limits.ts";
export { type LossName, losses } from "./losses.ts";
export { type Optimiser, optimiserScalars, optimisers, type StepSchedule } from "./optimisers.ts";
export type { ForwardCall, Gradient, InputGradient } from "./rules/rule.ts";
export {
  type GradientSettings,
  gradientProgram,
  initialVectors,
  patternOf,
  type RateScale,
  type TrainingSettings,
  trainingProgram,
  updateProgram,
} from "./training-program.ts";
export { averageKeep, type LossScale, nextLossScale, type UpdateSettings } from "./update.ts";
