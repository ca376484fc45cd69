import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attributes, buildGraph, float, int, string, strings, type Value } from "../onnx/index.ts";
import { differentiate } from "./differentiate.ts";

/** Differentiates a GRU over X [2, 1, 3] with two hidden units. */
function gru(attributes: Attributes, lengths?: "lengths") {
  const g = buildGraph("gru");
  const array = (name: string, shape: readonly number[]) => g.input(name, { element: "float32", shape });
  const [x, w, r] = [array("x", [2, 1, 3]), array("w", [1, 6, 3]), array("r", [1, 6, 2])];
  const sequence: Value | undefined = lengths && g.input("lengths", { element: "int32", shape: [1] });
  const [y] = g.nodes("GRU", [x, w, r, undefined, sequence], { hidden_size: int(2), ...attributes });
  return differentiate(g, g.node("ReduceSum", [y], { keepdims: int(0) }), [w]);
}

test("what is not covered of a recurrent operator is an error that names node, attribute and what to do", () => {
  assert.throws(() => gru({}, "lengths"), /GRU_0: GRU with sequence_lens is not covered: leave it out/);
  assert.throws(() => gru({ layout: int(1) }), /GRU_0: GRU with layout 1 is not covered: transpose/);
  assert.throws(() => gru({ clip: float(3) }), /GRU_0: GRU with clip is not covered/);
  assert.throws(() => gru({ direction: string("up") }), /GRU_0: GRU with direction up .* use forward, reverse/);
  assert.throws(
    () => gru({ activations: strings(["Sigmoid", "Elu"]) }),
    /GRU_0: GRU with activation Elu is not covered: use Relu, Sigmoid or Tanh/,
  );
});
