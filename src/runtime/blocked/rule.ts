import type { GraphBuilder, Node, Value, ValueType } from "../../onnx/index.ts";
import type { ConvShape, Quarters } from "./convolution.ts";
import type { Held, Pending } from "./held.ts";
import type { Layout } from "./layout.ts";

/** What a rule may ask of the lowering under way. */
export interface Lowering {
  readonly g: GraphBuilder;
  readonly block: number;
  /** The type that a value has in the portable graph. */
  typeOf(name: string): ValueType;
  /** How a value is held now. */
  held(name: string): Held;
  /** The value in plain layout. */
  plain(name: string): Value;
  /** The value [N, C, H, W] in blocked layout. */
  blocked(name: string): Value;
  /** The value [C] padded to whole blocks. */
  channels(name: string): Value;
  /** The filter of a convolution that runs blocked, or undefined. */
  filter(name: string): { readonly value: Value; readonly shape: ConvShape } | undefined;
  /** Numbers of the filter (or its gradient) of a lowered convolution gradient that reads `dy`, or undefined. */
  filterSize(reader: Node, dy: string): number | undefined;
  /** Whether a value is an input of the graph: an image whose gradient nobody asks for. */
  isImage(name: string): boolean;
  /** Numbers of a constant. */
  constant(name: string): readonly number[] | undefined;
  /** Says what has become of an output. */
  bind(name: string, value: Value, layout: Layout): void;
  /** The output is a convolution that is written when its reader is known. */
  bindPending(name: string, pending: Pending): void;
  /** The output is held as quarter planes. */
  bindQuarters(name: string, quarters: Quarters): void;
  /** The output is a blocked value times a gain a channel. */
  bindScaled(name: string, scaled: { readonly value: Value; readonly gain: Value }): void;
  /** The nodes that read a value. */
  readers(name: string): readonly Node[];
  /** The only node that reads a value, if there is but one. */
  onlyReader(name: string): Node | undefined;
  /** Whether a node is the last to read a value, so that it may write over it. */
  dies(name: string, node: Node): boolean;
  /** Takes a node into the one that is being lowered: it is not lowered again. */
  absorb(node: Node): void;
}

/** Lowers a node, or declines it: then it runs plain, which costs speed only. */
export type Rule = (c: Lowering, node: Node) => "lowered" | "declined";
