/**
 * `ichor/autodiff`: write or read an ONNX graph, differentiate it, train it, run it. Nothing of CT, and nothing of Node:
 * it runs in browsers too. The page that goes with it is docs/autodiff.md.
 */
export * from "./autodiff/index.ts";
export { describeProblem, must, type Problem, type Result, random, type Shaped, shaped } from "./base/index.ts";
export * from "./onnx/index.ts";
export * from "./runtime/index.ts";
