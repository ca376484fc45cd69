import { ints } from "./attributes.ts";
import { type Attributes, type Node, onnxDomain, type ValueType } from "./graph.ts";
import { poolingOf, type Sliding, slidingOf } from "./sliding.ts";

const spatial = (type: ValueType | undefined): readonly number[] | undefined => {
  const lengths = type?.shape.slice(2) ?? [];
  return lengths.length > 0 && lengths.every((length) => typeof length === "number") ? lengths : undefined;
};

/** What a node slides, and which of its attributes the pads then stand for. */
interface Stated {
  readonly sliding: Sliding;
  readonly instead: readonly string[];
}

/** One row an operator whose pads can be written out. */
const rows: Readonly<Record<string, (node: Node, size: readonly number[], kernel: readonly number[]) => Stated>> = {
  // its ceil_mode stays: the pads that it adds count otherwise than those that the node states
  AveragePool: (node, size) => {
    const pooling = poolingOf(node, size);
    return { sliding: { ...pooling, pads: pooling.stated }, instead: ["auto_pad"] };
  },
  Conv: (node, size, kernel) => ({ sliding: slidingOf(node, kernel, size), instead: ["auto_pad"] }),
  MaxPool: (node, size) => ({ sliding: poolingOf(node, size), instead: ["auto_pad", "ceil_mode"] }),
};

/**
 * A Conv or pooling node with plain `pads` in place of `auto_pad`, and for MaxPool of `ceil_mode`, so that whoever reads
 * the graph meets one form. A node whose spatial lengths are not known stays as it is.
 */
export function withPads(node: Node, typeOf: (name: string) => ValueType | undefined): Node {
  const row = node.domain === onnxDomain ? rows[node.op] : undefined;
  const size = spatial(typeOf(node.inputs[0] ?? ""));
  if (row === undefined || size === undefined) return node;
  const { sliding, instead } = row(node, size, spatial(typeOf(node.inputs[1] ?? "")) ?? []);
  if (!instead.some((name) => name in node.attributes)) return node;
  const kept: Attributes = Object.fromEntries(
    Object.entries(node.attributes).filter(([name]) => !instead.includes(name)),
  );
  return { ...node, attributes: { ...kept, pads: ints(sliding.pads) } };
}
