import assert from "node:assert/strict";
import { test } from "node:test";
import { must, type Shaped, shaped } from "../base/index.ts";
import { float, floats, ints, reference, string, strings, tensor } from "./attributes.ts";
import { buildGraph } from "./builder.ts";
import { decodeModel } from "./decode.ts";
import { encodeModel } from "./encode.ts";
import { evaluateGraph } from "./evaluate/evaluate.ts";
import type { Attribute, Attributes, Graph, GraphFunction, Model, Node } from "./graph.ts";
import { readModel } from "./read.ts";

const node = (op: string, more: Partial<Node> = {}): Node => ({
  name: op,
  domain: "",
  op,
  inputs: ["x"],
  outputs: ["y"],
  attributes: {},
  ...more,
});

const body = (name: string, nodes: readonly Node[], more: Partial<GraphFunction> = {}): GraphFunction => ({
  domain: "ichor",
  name,
  inputs: ["x"],
  outputs: ["y"],
  attributes: [],
  nodes,
  ...more,
});

/** x [2, 3] through one call of the first function. */
function calling(functions: readonly GraphFunction[], attributes: Attributes = {}): Model {
  const g = buildGraph("calling");
  const x = g.input("x", { element: "float32", shape: [2, 3] });
  const types = [{ element: "float32", shape: [2, 3] } as const];
  g.output(g.node(functions[0]!.name, [x], attributes, { domain: "ichor", types }), "z");
  return { graph: g.finish(), functions, metadata: {} };
}

const x = shaped(Float32Array.of(-2, -1, 0, 1, 2, 3), [2, 3]);

/** What a model makes of x, by its file read with the functions as bodies. */
function answer(model: Model): readonly number[] {
  const file = encodeModel(model);
  const [kept, inlined] = [must(decodeModel(file, "it")), must(readModel(file, "it"))];
  assert.equal(inlined.functions.length, 0);
  const [a, b] = [evaluateGraph(kept, { x })["z"]!, evaluateGraph(inlined, { x })["z"]!];
  assert.deepEqual(a, b);
  return Array.from(a.data, Number);
}

const refused = (model: Model) => {
  const read = readModel(encodeModel(model), "it");
  return read.kind === "problem" ? read.problem.got : "read";
};

const two: Shaped = shaped(Float32Array.of(2), []);

/** y = what a Constant with the call's attribute says, times x, or x where nothing is said. */
const scaled = (name: string, type: Parameters<typeof reference>[1], more: Partial<GraphFunction> = {}) =>
  body(
    "Scaled",
    [
      node("Constant", { inputs: [], outputs: ["c"], attributes: { [name]: reference("given", type) } }),
      node("Mul", { inputs: ["x", "c"] }),
    ],
    { attributes: ["given"], ...more },
  );

test("a body's reference is the call's attribute, of whichever kind", () => {
  const doubled = [-4, -2, 0, 2, 4, 6];
  assert.deepEqual(answer(calling([scaled("value", "tensor")], { given: tensor(two) })), doubled);
  assert.deepEqual(answer(calling([scaled("value_float", "float")], { given: float(2) })), doubled);
  assert.deepEqual(answer(calling([scaled("value_floats", "floats")], { given: floats([2]) })), doubled);
  const einsum = body("Named", [node("Einsum", { attributes: { equation: reference("given", "string") } })], {
    attributes: ["given"],
  });
  const columns = calling([einsum], { given: string("ij->j") });
  assert.deepEqual(answer(columns), [-1, 1, 3]);
  const pair: Attribute = ints([0, 1]);
  const turned = body("Turned", [node("Transpose", { attributes: { perm: reference("given", "ints") } })], {
    attributes: ["given"],
  });
  assert.deepEqual(answer(calling([turned], { given: pair })), [...x.data]);
});

test("a reference to texts is kept through a file", () => {
  const named = body("Named", [node("Frob", { attributes: { texts: reference("given", "strings") } })]);
  const { functions, graph } = must(decodeModel(encodeModel(calling([named], { given: strings(["a", "b"]) })), "it"));
  assert.deepEqual(functions[0]?.nodes[0]?.attributes["texts"], reference("given", "strings"));
  assert.deepEqual(graph.nodes[0]?.attributes["given"], strings(["a", "b"]));
});

test("an attribute that a call leaves out is the function's default, where it has one", () => {
  const with2 = scaled("value", "tensor", { attributes: [], defaults: { given: tensor(two) } });
  assert.deepEqual(answer(calling([with2])), [-4, -2, 0, 2, 4, 6]);
  const ten = tensor(shaped(Float32Array.of(10), []));
  assert.deepEqual(answer(calling([with2], { given: ten })), [-20, -10, 0, 10, 20, 30]);
});

test("a function within a function hands attributes and defaults down", () => {
  const outer = body(
    "Outer",
    [node("Scaled", { domain: "ichor", attributes: { given: reference("factor", "tensor") } })],
    { defaults: { factor: tensor(two) } },
  );
  assert.deepEqual(answer(calling([outer, scaled("value", "tensor")])), [-4, -2, 0, 2, 4, 6]);
});

test("a branch in a body reads the body's values, takes the call's attributes and calls functions", () => {
  const branch = (made: Node): Graph => ({
    name: made.name,
    inputs: [],
    outputs: [{ name: "b", type: { element: "float32", shape: [2, 3] } }],
    nodes: [{ ...made, inputs: ["h"], outputs: ["b"] }],
    constants: new Map(),
    types: new Map(),
  });
  const choosing = body(
    "Choosing",
    [
      node("Neg", { outputs: ["h"] }),
      node("If", {
        inputs: ["yes"],
        attributes: {
          then_branch: {
            kind: "graph",
            value: branch(node("Scaled", { domain: "ichor", attributes: { given: reference("factor", "tensor") } })),
          },
          else_branch: { kind: "graph", value: branch(node("Identity")) },
        },
      }),
    ],
    { inputs: ["x", "yes"], attributes: ["factor"] },
  );
  const g = buildGraph("calling");
  const input = g.input("x", { element: "float32", shape: [2, 3] });
  const yes = g.constant(shaped(Uint8Array.of(1), []), "yes");
  const types = [{ element: "float32", shape: [2, 3] } as const];
  g.output(g.node("Choosing", [input, yes], { factor: tensor(two) }, { domain: "ichor", types }), "z");
  const graph = g.finish();
  const model = { graph, functions: [choosing, scaled("value", "tensor")], metadata: {} };
  const read = must(readModel(encodeModel(model), "it"));
  assert.deepEqual(Array.from(evaluateGraph(read, { x })["z"]!.data, Number), [4, 2, -0, -2, -4, -6]);
});

test("functions that call themselves, or each other, are refused", () => {
  const call = (name: string) => node(name, { domain: "ichor" });
  assert.match(refused(calling([body("A", [call("A")])])), /function ichor:A, which calls itself/);
  assert.match(refused(calling([body("A", [call("B")]), body("B", [call("A")])])), /function ichor:A, which calls/);
});

test("a few bytes of functions that double, or go deep, are refused at once", () => {
  const chain = (length: number, calls: (next: string) => readonly Node[]) =>
    Array.from({ length }, (_, index) =>
      body(`F${index}`, index + 1 < length ? calls(`F${index + 1}`) : [node("Neg")]),
    );
  const twice = (next: string) => [
    node(next, { name: "n", domain: "ichor", outputs: ["h"] }),
    node(next, { name: "n", domain: "ichor", inputs: ["h"] }),
  ];
  assert.match(refused(calling(chain(40, twice))), /functions that make more than 262144 nodes and values/);
  const deep = (next: string) => [node(next, { domain: "ichor" })];
  assert.match(refused(calling(chain(5000, deep))), /functions nested more than 200 deep/);
  const long = (next: string) => twice(next).map((one) => ({ ...one, name: "n".repeat(20_000) }));
  assert.match(refused(calling(chain(40, long))), /names of more than 33554432 letters/);
  const dead = (next: string) => [...twice(next), ...twice(next)].map((one) => ({ ...one, inputs: [], outputs: [] }));
  assert.match(refused(calling(chain(40, dead))), /functions that make more than/);
  assert.equal(refused(calling(chain(10, twice))), "read");
});
