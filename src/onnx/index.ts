export * from "./attributes.ts";
export { buildGraph, type GraphBuilder, type NodeOptions } from "./builder.ts";
export { encodeModel, readModelMetadata } from "./encode.ts";
export * from "./graph.ts";
export { liveNodes } from "./passes.ts";
export { broadcastShapes, shapedOperators } from "./shapes.ts";
