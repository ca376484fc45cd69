import { ok, type Result } from "../base/index.ts";
import { bindDimensions, decodeModel, foldBatchNormalization, type Graph, type Model } from "../onnx/index.ts";
import { lowerForward } from "./blocked/lower.ts";
import { probeBlock } from "./blocked/probe.ts";
import { defaultProvider, openExecutor } from "./executor.ts";
import type { Executor, ExecutorOptions, Values } from "./executor-port.ts";

/**
 * Opens a forward graph whose weights are constants, to be run many times. On a CPU with blocked operators it is lowered
 * for the shapes of its first run, where that takes multiplications away; in other shapes, such as those of the slices
 * that are left at the end, it runs as it stands. Both give the same numbers to rounding. Problems: as `openExecutor`.
 */
export async function openForward(
  model: Model | Uint8Array,
  options: Omit<ExecutorOptions, "order"> = {},
): Promise<Result<Executor>> {
  const opened = await openExecutor(model, options);
  const { provider = defaultProvider, where = "model" } = options;
  const block = opened.kind === "problem" || provider !== "cpu" ? undefined : await probeBlock();
  if (opened.kind === "problem" || block === undefined) return opened;
  const plain = opened.value;
  const decoded = model instanceof Uint8Array ? decodeModel(model, where) : ok(model);
  if (decoded.kind === "problem") return opened; // ONNX Runtime runs what Ichor cannot read
  let first: { readonly shapes: string; readonly lowered: Promise<Executor | undefined> } | undefined;
  const lower = async (feeds: Values): Promise<Executor | undefined> => {
    const lowered = lowerForward(atShapes(decoded.value, feeds), block);
    const answer = lowered && (await openExecutor(lowered, options));
    return answer?.kind === "ok" ? answer.value : undefined;
  };
  return ok({
    ...plain,
    async run(feeds, into) {
      first ??= { shapes: shapesOf(feeds), lowered: lower(feeds) };
      const fitting = first.shapes === shapesOf(feeds) ? await first.lowered : undefined;
      return (fitting ?? plain).run(feeds, into);
    },
    async close() {
      await Promise.all([plain.close(), first?.lowered.then((lowered) => lowered?.close())]);
    },
  });
}

const shapesOf = (feeds: Values): string =>
  Object.entries(feeds)
    .map(([name, { shape }]) => `${name} [${shape}]`)
    .toSorted()
    .join();

/** A model for inputs of these shapes alone, its batch normalisations folded into the convolutions before them. */
function atShapes(model: Model, feeds: Values): Model {
  const lengths: Record<string, number> = {};
  for (const { name, type } of model.graph.inputs)
    for (const [axis, length] of type.shape.entries())
      if (typeof length === "string") lengths[length] = feeds[name]?.shape[axis] ?? 1;
  const fixed: Graph = Object.keys(lengths).length === 0 ? model.graph : bindDimensions(model.graph, lengths);
  return { ...model, graph: foldBatchNormalization(fixed) };
}
