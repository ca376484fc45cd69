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

test("choices of one name, whose branches make values and nodes of one name, do not get into each other's way", () => {
  const g = buildGraph("twice");
  const x = g.input("x", vector);
  const condition = truth(g, true);
  const by = (y: Value, factor: number) => {
    const then = branch([y], (b) => {
      const scale = b.constant(shaped(Float32Array.of(factor, factor), [2]), "scale");
      const made = b.node("Mul", [y, scale], {}, { names: ["made"] });
      return b.node("Neg", [b.node("Neg", [made], {}, { names: ["less"] })], {}, { names: ["more"] });
    });
    return g.node("If", [condition], { then_branch: then, else_branch: then }, { types: [vector] });
  };
  g.output(by(by(x, 2), 5), "y");
  g.output(g.node("Neg", [x], {}, { names: ["choice/made"] }), "taken");
  const graph = g.finish();
  const named = (node: Graph["nodes"][number]) => (node.op === "If" ? { ...node, name: "choice" } : node);
  const bytes = encodeModel({ graph: { ...graph, nodes: graph.nodes.map(named) }, functions: [], metadata: {} });
  const read = must(readModel(bytes, "it")).graph;
  const { y, taken } = evaluateGraph({ graph: read, functions: [] }, { x: shaped(Float32Array.of(3, 4), [2]) });
  assert.deepEqual(
    [Array.from(y!.data, Number), Array.from(taken!.data, Number)],
    [
      [30, 40],
      [-3, -4],
    ],
  );
  const names = read.nodes.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, `${names}`);
});
