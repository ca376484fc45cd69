export { type CompositeName, composites, functionsOf } from "./composites.ts";
export { decompositions } from "./decompositions.ts";
export { differentiate } from "./differentiate.ts";
export { differentiableOperators, gradients } from "./gradients.ts";
export { limits } from "./limits.ts";
export { type Optimiser, optimiserScalars, optimisers, type StepSchedule } from "./optimisers.ts";
export type { ForwardCall, Gradient, InputGradient } from "./rules/rule.ts";
export { initialVectors, type TrainingSettings, trainingProgram } from "./training-program.ts";
