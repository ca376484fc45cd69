export * from "./attributes.ts";
export { buildGraph, type GraphBuilder, type NodeOptions } from "./builder.ts";
export { einsumLengths, parseEinsum } from "./einsum.ts";
export { encodeModel, readModelMetadata } from "./encode.ts";
export { unary as unaryOperators } from "./evaluate/elementwise.ts";
export { evaluateGraph, evaluations } from "./evaluate/evaluate.ts";
export * from "./graph.ts";
export { liveNodes } from "./passes.ts";
export { broadcastShapes, shapedOperators } from "./shapes.ts";
