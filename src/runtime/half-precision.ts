import { type Problem, shaped } from "../base/index.ts";
import {
  buildGraph,
  type GraphFunction,
  ichorDomain,
  int,
  type Model,
  type Node,
  onnxDomain,
  operatorKey,
} from "../onnx/index.ts";
import { openExecutor } from "./executor.ts";

/** Where nearly all of a step's arithmetic is; sums, statistics and the update stay in float32, as do the parameters. */
const products: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "Gemm",
  "MatMul",
  "ichor:ConvInputGrad",
  "ichor:ConvWeightGrad",
]);

const [float32Code, float16Code] = [1, 10]; // TensorProto.DataType

/**
 * A model whose convolutions and matrix products, and those of its gradients, take float16 numbers and give them, with
 * float32 around them (Micikevicius et al. 2018). Each becomes a function of its own: casts, the node, a cast back.
 */
export function inHalfPrecision(model: Model): Model {
  const functions: GraphFunction[] = [...model.functions];
  const nodes = model.graph.nodes.map((node) => {
    if (!products.has(operatorKey(node)) || model.graph.types.get(node.outputs[0]!)?.element !== "float32") return node;
    const body = halfOf(node);
    functions.push(body);
    return { ...node, domain: ichorDomain, op: body.name, attributes: {} };
  });
  return { ...model, graph: { ...model.graph, nodes }, functions };
}

function halfOf(node: Node): GraphFunction {
  const cast = (from: string, to: string, code: number): Node => {
    return { name: "", domain: onnxDomain, op: "Cast", inputs: [from], outputs: [to], attributes: { to: int(code) } };
  };
  const given = node.inputs.map((name, index) => (name === "" ? "" : `x${index}`));
  const inputs = given.map((name) => (name === "" ? "" : `${name}_half`));
  return {
    domain: ichorDomain,
    name: `Half_${node.name}`,
    inputs: node.inputs.map((_, index) => `x${index}`),
    outputs: ["y"],
    attributes: [],
    nodes: [
      ...given.flatMap((name) => (name === "" ? [] : [cast(name, `${name}_half`, float16Code)])),
      { ...node, name: "", inputs, outputs: ["y_half"] },
      cast("y_half", "y", float32Code),
    ],
  };
}

/**
 * Whether a provider takes float16 here: "in float32" where the processor works it out between two casts, which gains
 * nothing.
 */
export async function probeHalfPrecision(provider: string): Promise<"float16" | "in float32" | "missing"> {
  const g = buildGraph("half");
  const x = g.input("x", { element: "float32", shape: [2, 2] });
  g.output(g.node("MatMul", [x, x]), "y");
  const model = inHalfPrecision({ graph: g.finish(), functions: [], metadata: {} });
  const opened = await openExecutor(model, { provider, threads: 1 });
  if (opened.kind === "problem") return "missing";
  try {
    await opened.value.run({ x: shaped(Float32Array.of(1, 2, 3, 4), [2, 2]) });
    return provider === "cpu" || provider === "wasm" ? "in float32" : "float16";
  } catch {
    return "missing"; // a kernel that is compiled when it first runs, for a device without shader-f16
  } finally {
    await opened.value.close();
  }
}

/** What a step in half precision is told where its provider has no kernels for it. */
export const halfMissing = (provider: string, got = "a device whose kernels refuse float16"): Problem => ({
  kind: "precision missing",
  where: `provider ${provider}`,
  got,
  expected: "kernels for float16 (WebGPU: a device with shader-f16)",
  next: "leave precision out, or take another provider",
});
