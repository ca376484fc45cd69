import { fail, ok, type Problem, type Result, shaped } from "../base/index.ts";
import { buildGraph, encodeModel, inlineFunctions, type Model } from "../onnx/index.ts";
import type { Executor, ExecutorOptions, ExecutorRow } from "./executor-port.ts";
import { inNode } from "./executor-web.ts";
import { executors } from "./executors.ts";

export type { Executor, ExecutorOptions } from "./executor-port.ts";

/** What runs a graph where nobody names anything. */
export const defaultProvider = inNode ? "cpu" : "wasm";

const rows: Readonly<Record<string, ExecutorRow>> = executors;

/**
 * Opens a graph on a provider. The order of ONNX Runtime 1.30 is that of a depth-first walk back from the outputs, the node
 * that stands last first; nodes that it makes itself, by inlining or fusing, stand last of all. A model whose order counts
 * is therefore inlined here, and nothing is fused. A model is fitted to what the provider takes,
 * bytes are run as they stand. Problems: "unknown provider", "provider missing" (it cannot run anything here), "model
 * refused" (it runs here, but not this model).
 */
export async function openExecutor(
  model: Model | Uint8Array,
  { threads, where = "model", provider = defaultProvider, order }: ExecutorOptions = {},
): Promise<Result<Executor>> {
  const row = rows[provider];
  if (row === undefined) return fail(unknown(provider));
  try {
    const bytes =
      model instanceof Uint8Array
        ? model
        : encodeModel(fitted(order === undefined ? model : inlineFunctions(model), row));
    return ok(await row.open(bytes, provider, { ...(threads === undefined ? {} : { threads }), order }));
  } catch (error) {
    const missing = await whyMissing(row, provider);
    if (missing !== undefined) return fail(missing);
    return fail({
      kind: "model refused",
      where,
      got: words(error),
      expected: "a graph that ONNX Runtime 1.30 can run",
      next: "name a detector that Ichor wrote",
    });
  }
}

const fitted = (model: Model, { fit }: ExecutorRow): Model => (fit ? { ...model, graph: fit(model.graph) } : model);

/** Whether a provider can run a graph here: tries one of a single node. Problems as `openExecutor`. */
export async function probeProvider(provider: string): Promise<Result<void>> {
  const row = rows[provider];
  if (row === undefined) return fail(unknown(provider));
  const missing = await whyMissing(row, provider);
  return missing === undefined ? ok(undefined) : fail(missing);
}

async function whyMissing({ open, needs, next }: ExecutorRow, provider: string): Promise<Problem | undefined> {
  try {
    const executor = await open(smallest(), provider, { threads: 1 });
    await executor.run({ x: shaped(Float32Array.of(1, 2), [2]) });
    await executor.close();
    return undefined;
  } catch (error) {
    return { kind: "provider missing", where: `provider ${provider}`, got: words(error), expected: needs, next };
  }
}

function smallest(): Uint8Array {
  const g = buildGraph("smallest");
  const x = g.input("x", { element: "float32", shape: [2] });
  g.output(g.node("Mul", [x, x]), "y");
  return encodeModel({ graph: g.finish(), functions: [], metadata: {} });
}

const unknown = (provider: string): Problem => ({
  kind: "unknown provider",
  where: "provider",
  got: provider,
  expected: `one of ${Object.keys(executors).join(", ")}`,
  next: "name one of them, or leave it out",
});

/** What ONNX Runtime says, in one line and without the places in its own source. */
function words(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replaceAll(/\/onnxruntime_src\/\S*( [\w:]+::.*? was false\.)?/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}
