import { type Graph, type GraphBuilder, type Node, staticShape, type Value, type ValueType } from "../onnx/index.ts";
import { callComposite } from "./composites.ts";

/** The forward pass in segments whose values are computed again when the backward pass comes to them. */
export interface Recomputation {
  /**
   * The names under which the values of a node's segment are at hand, written when a gradient first arrives in it;
   * undefined for the last segment, whose values are still there.
   */
  namesFor(node: Node, arriving: Value): ReadonlyMap<string, Value> | undefined;
}

/**
 * Gradient checkpointing (Chen et al. 2016): between segments only the value that crosses is kept; the rest of a segment
 * is computed twice. Time for memory: one more forward pass, but the activations of one segment at a time.
 * @param nodes the forward pass, in its order
 * @param kept values that are there anyway and need no second computation: parameters
 */
export function recomputation(
  g: GraphBuilder,
  {
    nodes,
    kept,
    segments,
  }: { readonly nodes: readonly Node[]; readonly kept: ReadonlySet<string>; readonly segments: number },
): Recomputation {
  const { types, constants } = g.finish();
  const parts = cutSegments(nodes, { types, segments });
  const partOf = new Map(parts.flatMap((part) => part.map((node) => [node, part] as const)));
  const written = new Map<readonly Node[], ReadonlyMap<string, Value>>();
  return {
    namesFor(node, arriving) {
      const part = partOf.get(node);
      if (part === undefined || part === parts.at(-1)) return undefined;
      const names =
        written.get(part) ?? writeAgain(g, part, { types, fixed: new Set([...kept, ...constants.keys()]), arriving });
      written.set(part, names);
      return names;
    },
  };
}

interface Again {
  readonly types: ReadonlyMap<string, ValueType>;
  /** Values that are read as they are. */
  readonly fixed: ReadonlySet<string>;
  readonly arriving: Value;
}

/** Writes a segment's nodes a second time, from what crosses into it. */
function writeAgain(
  g: GraphBuilder,
  part: readonly Node[],
  { types, fixed, arriving }: Again,
): ReadonlyMap<string, Value> {
  const names = new Map<string, Value>();
  const entering = new Map<string, Value>();
  const input = (name: string): Value | undefined => {
    const type = types.get(name);
    if (name === "" || type === undefined) return undefined;
    const again = names.get(name) ?? entering.get(name);
    if (again !== undefined) return again;
    if (fixed.has(name) || type.element !== "float32") return { name, type };
    const [delayed] = callComposite(g, "After", { inputs: [{ name, type }, arriving] });
    if (delayed !== undefined) entering.set(name, delayed);
    return delayed;
  };
  for (const node of part) {
    const outputTypes = node.outputs.map((name) => types.get(name)).filter((type) => type !== undefined);
    const made = g.nodes(node.op, node.inputs.map(input), node.attributes, { domain: node.domain, types: outputTypes });
    for (const [index, name] of node.outputs.entries()) if (name !== "" && made[index]) names.set(name, made[index]);
  }
  return names;
}

const bytesOf = (type: ValueType | undefined): number =>
  type === undefined ? 0 : 4 * staticShape(type).reduce((product, length) => product * length, 1);

/** Cuts where one value alone crosses, so that the segments hold about the same bytes. */
function cutSegments(
  nodes: readonly Node[],
  { types, segments }: { readonly types: ReadonlyMap<string, ValueType>; readonly segments: number },
): readonly (readonly Node[])[] {
  const lastRead = new Map<string, number>();
  for (const [index, node] of nodes.entries()) for (const name of node.inputs) lastRead.set(name, index);
  const live = new Set<string>();
  const candidates: { readonly after: number; readonly bytes: number }[] = [];
  let bytes = 0;
  for (const [index, node] of nodes.entries()) {
    for (const name of node.outputs) {
      bytes += bytesOf(types.get(name));
      if ((lastRead.get(name) ?? -1) > index) live.add(name);
    }
    for (const name of node.inputs) if (lastRead.get(name) === index) live.delete(name);
    if (live.size === 1) candidates.push({ after: index, bytes });
  }
  const cuts = new Set<number>();
  for (let share = 1; share < segments; share++) {
    const target = (bytes * share) / segments;
    const nearest = candidates.reduce<(typeof candidates)[number] | undefined>(
      (best, one) => (best === undefined || Math.abs(one.bytes - target) < Math.abs(best.bytes - target) ? one : best),
      undefined,
    );
    if (nearest !== undefined) cuts.add(nearest.after + 1);
  }
  const ends = [...[...cuts].sort((a, b) => a - b), nodes.length];
  return ends.map((end, index) => nodes.slice(ends[index - 1] ?? 0, end));
}

/** Most bytes of computed values that are held at once when nodes run in their order and values go after their last use. */
export function peakBytes({ nodes, types, outputs }: Pick<Graph, "nodes" | "types" | "outputs">): number {
  const lastRead = new Map<string, number>();
  for (const [index, node] of nodes.entries()) for (const name of node.inputs) lastRead.set(name, index);
  for (const { name } of outputs) lastRead.set(name, nodes.length);
  const made = new Set<string>();
  let [now, peak] = [0, 0];
  for (const [index, node] of nodes.entries()) {
    for (const name of node.outputs) {
      made.add(name);
      now += bytesOf(types.get(name));
    }
    peak = Math.max(peak, now);
    for (const name of new Set([...node.inputs, ...node.outputs])) {
      if (made.has(name) && (lastRead.get(name) ?? index) <= index) now -= bytesOf(types.get(name));
    }
  }
  return peak;
}
