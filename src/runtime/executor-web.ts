import type { InferenceSession } from "onnxruntime-node";
import { type Executor, type OpenSession, overSession } from "./executor-port.ts";

/** Whether this is Node, where onnxruntime-web is another build, and where onnxruntime-node is the better one. */
export const inNode = typeof process === "object" && process.versions?.node !== undefined;

/** onnxruntime-web: wasm in Node and in browsers, WebGPU in browsers. One session at a time works in it. */
export const openWeb: OpenSession = async (model, provider, { threads, order }) => {
  const { env, InferenceSession, Tensor } = await load(provider);
  if (threads !== undefined) env.wasm.numThreads ??= threads; // counts before the first session only; browsers need cross-origin isolation for > 1
  env.logLevel = "error";
  const session = await InferenceSession.create(model, {
    executionProviders: [provider],
    enableMemPattern: false,
    ...(order === "as written" ? { graphOptimizationLevel: "disabled" } : {}),
  });
  return oneAtATime(overSession(session as unknown as InferenceSession, Tensor));
};

/** The smallest build that has the provider. */
async function load(provider: string) {
  if (inNode) return import("onnxruntime-web");
  return provider === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm");
}

let last: Promise<unknown> = Promise.resolve();

/** The runtime refuses a run while another is under way ("Session already started"): runs queue. */
function oneAtATime(executor: Executor): Executor {
  const queued = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
  return {
    ...executor,
    run: (feeds, into) => queued(() => executor.run(feeds, into)),
    close: () => queued(() => executor.close()),
  };
}
