import assert from "node:assert/strict";
import { test } from "node:test";
import { must, shaped } from "../base/index.ts";
import { buildGraph } from "./builder.ts";
import { encodeModel } from "./encode.ts";
import { evaluateGraph } from "./evaluate/evaluate.ts";
import type { Attribute, Graph, Value } from "./graph.ts";
import { readModel } from "./read.ts";

const vector = { element: "float32", shape: [2] } as const;

/** A branch in the scope of `outside`: its nodes and constants alone. */
function branch(outside: readonly Value[], write: (g: ReturnType<typeof buildGraph>) => Value): Attribute {
  const g = buildGraph("branch");
  const seen = outside.map((value) => g.input(value.name, value.type));
  const result = write(g);
  const graph = g.finish();
  const inputs = graph.inputs.filter((input) => !seen.includes(input));
  const types = new Map([...graph.types].filter(([name]) => !seen.some((value) => value.name === name)));
  const value: Graph = { ...graph, inputs, types, outputs: [result] };
  return { kind: "graph", value };
}

const truth = (g: ReturnType<typeof buildGraph>, yes: boolean) => g.node("Equal", [g.axes([1]), g.axes([yes ? 1 : 0])]);

/** x doubled, or x less one where the inner choice says so, or x itself. */
function chosen(outer: boolean, inner: boolean): readonly number[] {
  const g = buildGraph("choice");
  const x = g.input("x", vector);
  const condition = truth(g, outer);
  const nested = truth(g, inner);
  const then = branch([x, nested], (b) => {
    const doubled = b.node("Add", [x, x], {}, { names: ["made"] });
    const less = branch([x, doubled], (c) => c.node("Sub", [doubled, c.constant(shaped(Float32Array.of(1, 1), [2]))]));
    const same = branch([x, doubled], () => doubled);
    return b.node("If", [nested], { then_branch: less, else_branch: same }, { types: [vector] });
  });
  const attributes = { then_branch: then, else_branch: branch([x], () => x) };
  g.output(g.node("If", [condition], attributes, { types: [vector] }), "y");
  const bytes = encodeModel({ graph: g.finish(), functions: [], metadata: {} });
  const { graph } = must(readModel(bytes, "it"));
  assert.ok(graph.nodes.every(({ op }) => op !== "If"));
  const { y } = evaluateGraph({ graph, functions: [] }, { x: shaped(Float32Array.of(3, 4), [2]) });
  return Array.from(y!.data, Number);
}

test("a choice whose condition is known when a model is read becomes the branch that it takes", () => {
  assert.deepEqual(chosen(true, true), [5, 7]);
  assert.deepEqual(chosen(true, false), [6, 8]);
  assert.deepEqual(chosen(false, true), [3, 4]);
});
