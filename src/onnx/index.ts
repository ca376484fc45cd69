export {
  float,
  floatOf,
  floats,
  int,
  intOf,
  ints,
  intsOf,
  reference,
  type Sliding,
  slidingOf,
  string,
  tensor,
} from "./attributes.ts";
export { buildGraph, type GraphBuilder, type NodeOptions } from "./builder.ts";
export { encodeModel, readModelMetadata } from "./encode.ts";
export {
  type Attribute,
  type Attributes,
  type Dimension,
  type ElementType,
  type Graph,
  type GraphFunction,
  type Initial,
  ichorDomain,
  layOut,
  lengthOfSlots,
  type Model,
  type Network,
  type Node,
  onnxDomain,
  operatorKey,
  opset,
  type Parameter,
  type Program,
  type Slot,
  staticShape,
  type Value,
  type ValueType,
} from "./graph.ts";
export { liveNodes } from "./passes.ts";
export { broadcastShapes, shapedOperators } from "./shapes.ts";
