import { intOf, stringOf, stringsOf } from "./attributes.ts";
import type { Node } from "./graph.ts";

/** An activation of a recurrent operator that Ichor knows. */
export type RecurrentActivation = "Relu" | "Sigmoid" | "Tanh";

/** What the attributes of a GRU, LSTM or RNN say. */
export interface Recurrence {
  /** For each direction whether it walks the sequence from its end. */
  readonly reversed: readonly boolean[];
  /** The activations of each direction, in the operator's order: of the gates, of the new content, of LSTM's state. */
  readonly activations: readonly (readonly RecurrentActivation[])[];
}

const defaults: Readonly<Record<string, readonly RecurrentActivation[]>> = {
  GRU: ["Sigmoid", "Tanh"],
  LSTM: ["Sigmoid", "Tanh", "Tanh"],
  RNN: ["Tanh"],
};

const directions: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
};

/** Reads a recurrent node (ONNX, "GRU", "LSTM", "RNN"). What is not covered is an error that names node and attribute. */
export function recurrenceOf({ name, op, inputs, attributes }: Pick<Node, "name" | "op" | "inputs" | "attributes">) {
  const refuse = (what: string, next: string): never => {
    throw new Error(`${name}: ${op} with ${what} is not covered: ${next}`);
  };
  if (inputs[4] !== undefined && inputs[4] !== "")
    refuse("sequence_lens", "leave it out and feed sequences of one length");
  if (attributes["clip"] !== undefined) refuse("clip", "leave it out");
  if (intOf(attributes, "layout", 0) !== 0) refuse("layout 1", "transpose to [sequence, batch, features]");
  if (attributes["activation_alpha"] !== undefined || attributes["activation_beta"] !== undefined)
    refuse("activation_alpha or activation_beta", "use Relu, Sigmoid or Tanh");
  const direction = stringOf(attributes, "direction", "forward");
  const reversed = directions[direction] ?? refuse(`direction ${direction}`, "use forward, reverse or bidirectional");
  const standard = defaults[op] ?? refuse("this cell", "use GRU, LSTM or RNN");
  const given = stringsOf(attributes, "activations", []);
  const named = given.map((one) =>
    isActivation(one) ? one : refuse(`activation ${one}`, "use Relu, Sigmoid or Tanh"),
  );
  const activations = reversed.map((_, index) =>
    standard.map((fallback, place) => named[index * standard.length + place] ?? fallback),
  );
  return { reversed, activations } satisfies Recurrence;
}

const isActivation = (name: string): name is RecurrentActivation =>
  name === "Relu" || name === "Sigmoid" || name === "Tanh";
