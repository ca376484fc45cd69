import { type OpenSession, overSession } from "./executor-port.ts";

/**
 * onnxruntime-node: native code. Options as measured: memory patterns off (40 % less memory at the same speed),
 * sequential execution. What a provider has no kernel for runs on the CPU.
 */
export const openNative: OpenSession = async (model, provider, { threads, order }) => {
  const { env, InferenceSession, Tensor } = await import("onnxruntime-node"); // 46 MB: only when a graph is run
  env.logLevel = "fatal"; // what it would log of a missing provider, it throws as well
  const session = await InferenceSession.create(model, {
    executionProviders: [provider],
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: order === "as written" ? "disabled" : "all",
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  return overSession(session, Tensor, { writesInto: true });
};
