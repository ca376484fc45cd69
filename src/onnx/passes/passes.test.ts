import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { distance, floats, randomArray } from "../../../test/graphs.ts";
import { must, type Shaped, shaped } from "../../base/index.ts";
import { openExecutor } from "../../runtime/index.ts";
import { float, int, ints } from "../attributes.ts";
import { buildGraph, type GraphBuilder } from "../builder.ts";
import { checkModel } from "../check.ts";
import { encodeModel } from "../encode.ts";
import type { Graph, Value } from "../graph.ts";
import { readModel } from "../read.ts";
import { foldConstants } from "./fold-constants.ts";
import { foldBatchNormalization } from "./fold-normalisation.ts";
import { liveNodes } from "./live.ts";
import { mergeGraphs } from "./merge.ts";
import { fillBlocks } from "./whole-blocks.ts";

/** What ONNX Runtime makes of a graph. */
async function run(graph: Graph, feeds: Readonly<Record<string, Shaped>>): Promise<Readonly<Record<string, Shaped>>> {
  must(checkModel({ graph, functions: [] }, graph.name));
  const executor = must(await openExecutor(encodeModel({ graph, functions: [], metadata: {} }), { threads: 1 }));
  const answer = await executor.run(Object.fromEntries(executor.inputs.map((name) => [name, feeds[name]!])));
  await executor.close();
  return answer;
}

const operators = (graph: Graph) => graph.nodes.map(({ op }) => op);

/** One step of a random network over x [2, C, H, W], from what there is to another value. */
type Step = (g: GraphBuilder, values: readonly Value[], seed: number) => Value;

const last = (values: readonly Value[]) => values.at(-1)!;
const channelsOf = ({ type }: Value) => Number(type.shape[1]);
const positive = (count: number, seed: number) =>
  shaped(
    randomArray([count], seed).data.map((one) => 1.5 + one),
    [count],
  );

const steps: Readonly<Record<string, Step>> = {
  conv: (g, values, seed) => {
    const channels = channelsOf(last(values));
    const bias = seed % 2 === 0 ? g.constant(randomArray([4], seed + 1)) : undefined;
    return g.node("Conv", [last(values), g.constant(randomArray([4, channels, 3, 3], seed)), bias], {
      pads: ints([1, 1, 1, 1]),
    });
  },
  depthwise: (g, values, seed) => {
    const channels = channelsOf(last(values));
    return g.node("Conv", [last(values), g.constant(randomArray([channels, 1, 1, 1], seed))], { group: int(channels) });
  },
  normalise: (g, values, seed) => {
    const channels = channelsOf(last(values));
    const [gamma, beta, mean] = [1, 2, 3].map((more) => g.constant(randomArray([channels], seed + more)));
    const statistics = [gamma, beta, mean, g.constant(positive(channels, seed + 4))];
    return g.node("BatchNormalization", [last(values), ...statistics], { epsilon: float(1e-3) });
  },
  relu: (g, values) => g.node("Relu", [last(values)]),
  branch: (g, values) => g.node("Relu", [values[Math.floor(values.length / 2)]]),
  join: (g, values) => g.node("Concat", [last(values), values[0]], { axis: int(1) }),
  scale: (g, values, seed) => {
    const computed = g.node("Exp", [g.node("Mul", [g.constant(randomArray([1, 1, 5, 5], seed)), g.scalar(0.5)])]);
    return g.node("Mul", [last(values), computed]);
  },
  unused: (g, values) => {
    g.node("Tanh", [last(values)]);
    return last(values);
  },
};

const networks = fc.tuple(
  fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 9 }),
  fc.nat(1e4),
  fc.boolean(),
);

function network(names: readonly string[], seed: number, middle: boolean): Graph {
  const g = buildGraph("random");
  const values = [g.input("x", { element: "float32", shape: [2, 3, 5, 5] })];
  for (const [index, name] of names.entries()) values.push(steps[name]!(g, values, seed + 10 * index));
  g.output(g.node("Neg", [last(values)]), "y");
  if (middle) g.output(g.node("Neg", [values[values.length >> 1]]), "z");
  return g.finish();
}

const passes: Readonly<Record<string, (graph: Graph) => Graph>> = {
  "dropping what is not used": liveNodes,
  "folding constants": foldConstants,
  "folding normalisations": foldBatchNormalization,
  "all of them": (graph) => foldConstants(foldBatchNormalization(liveNodes(graph))),
  "writing and reading": (graph) =>
    must(readModel(encodeModel({ graph, functions: [], metadata: {} }), "random.onnx")).graph,
};

for (const [name, pass] of Object.entries(passes)) {
  test(`outputs stay through ${name}, on random networks`, async () => {
    const property = fc.asyncProperty(networks, async ([names, seed, middle]) => {
      const graph = network(names, seed, middle);
      const feeds = { x: randomArray([2, 3, 5, 5], seed) };
      const [before, after] = [await run(graph, feeds), await run(pass(graph), feeds)];
      assert.deepEqual(Object.keys(after), Object.keys(before));
      for (const [output, value] of Object.entries(before)) {
        assert.deepEqual(after[output]!.shape, value.shape);
        assert.ok(distance(floats(after[output]), floats(value)) < 1e-4, `${output} of ${names}`);
      }
    });
    await fc.assert(property, { numRuns: 12, seed: 4 });
  });
}

test("what depends on constants alone is one constant", () => {
  const graph = network(["scale", "relu"], 1, false);
  assert.deepEqual(operators(graph), ["Mul", "Exp", "Mul", "Relu", "Neg", "Identity"]);
  const folded = foldConstants(graph);
  assert.deepEqual(operators(folded), ["Mul", "Relu", "Neg", "Identity"]);
  assert.equal(folded.constants.size, 1);
});

test("a normalisation goes into the convolution before it, unless something else reads between them", () => {
  const folded = foldBatchNormalization(network(["conv", "normalise", "relu"], 1, false));
  assert.deepEqual(operators(folded), ["Conv", "Relu", "Neg", "Identity"]);
  assert.equal(folded.constants.size, 2);
  const read = foldBatchNormalization(network(["conv", "normalise"], 1, true)); // z is what the Conv makes
  assert.deepEqual(operators(read), ["Conv", "BatchNormalization", "Neg", "Identity", "Neg", "Identity"]);
  const alone = foldBatchNormalization(network(["relu", "normalise"], 1, false));
  assert.ok(operators(alone).includes("BatchNormalization"));
});

test("a normalisation goes into a Gemm with either layout of weights and any bias", async () => {
  for (const [transB, bias, beta] of [
    [0, [], 1],
    [1, [4], 0.5],
    [1, [1, 4], 2],
    [0, [1], -1],
    [0, undefined, 1],
  ] as const) {
    const g = buildGraph("dense");
    const x = g.input("x", { element: "float32", shape: [3, 5] });
    const weight = g.constant(randomArray(transB === 1 ? [4, 5] : [5, 4], 1));
    const c = bias === undefined ? undefined : g.constant(randomArray(bias, 2));
    const y = g.node("Gemm", [x, weight, c], { transB: int(transB), alpha: float(0.5), beta: float(beta) });
    g.output(steps["normalise"]!(g, [y], 3), "y");
    const graph = g.finish();
    const folded = foldBatchNormalization(graph);
    assert.ok(!operators(folded).includes("BatchNormalization"));
    const feeds = { x: randomArray([3, 5], 4) };
    const [before, after] = [await run(graph, feeds), await run(folded, feeds)];
    assert.ok(distance(floats(after["y"]), floats(before["y"])) < 1e-5, `transB ${transB}, bias [${bias}]`);
  }
});

test("two graphs become one whose names do not collide, and answer as one after the other", async () => {
  const [a, b] = [network(["conv", "relu"], 1, true), network(["normalise", "relu", "scale"], 2, false)];
  const wide = { ...b, name: "second" };
  const four = buildGraph("second");
  const x = four.input("x", { element: "float32", shape: ["n", 4, 5, 5] });
  four.output(four.node("Relu", [steps["normalise"]!(four, [x], 3)]), "y");
  const second = four.finish();
  const merged = mergeGraphs(a, second, { connect: { x: "y" } });
  assert.deepEqual(
    merged.inputs.map(({ name }) => name),
    ["x"],
  );
  assert.deepEqual(
    merged.outputs.map(({ name }) => name),
    ["z", "second/y"],
  );
  assert.deepEqual(merged.outputs[1]!.type.shape, [2, 4, 5, 5]); // n is what it meets
  const feeds = { x: randomArray([2, 3, 5, 5], 5) };
  const between = await run(a, feeds);
  const [apart, together] = [await run(second, { x: between["y"]! }), await run(merged, feeds)];
  assert.deepEqual(together["second/y"]!.data, apart["y"]!.data);
  assert.deepEqual(together["z"]!.data, between["z"]!.data);
  assert.throws(
    () => mergeGraphs(a, wide, { connect: { x: "y" } }),
    /y \(float32\[2, 4, 5, 5\]\) does not fit the input x/,
  );
  assert.throws(() => mergeGraphs(a, second, { connect: { x: "w" } }), /random has no output w: it has y, z/);
  assert.throws(() => mergeGraphs(a, second, { connect: { v: "y" } }), /second has no input v: it has x/);
  assert.throws(() => mergeGraphs(a, { ...second, opset: 20 }, { connect: {} }), /opset 18, second of 20/);
});

test("a merged graph knows which constants belong to formulas, of both graphs", () => {
  const built = (name: string) => {
    const g = buildGraph(name);
    g.output(g.node("Add", [g.input("x", { element: "float32", shape: [2] }), g.scalar(1)]), "y");
    const graph = g.finish();
    return { ...graph, literals: new Set(graph.constants.keys()) };
  };
  const merged = mergeGraphs(built("a"), built("b"), { connect: { x: "y" } });
  assert.equal(merged.constants.size, 2);
  assert.deepEqual(merged.literals, new Set(merged.constants.keys()));
});

test("a graph merged with itself, twice, keeps every name apart", async () => {
  const g = buildGraph("step");
  g.output(g.node("Add", [g.input("x", { element: "float32", shape: [2] }), g.scalar(1)]), "y");
  const once = g.finish();
  const twice = mergeGraphs(once, once, { connect: { x: "y" } });
  const thrice = mergeGraphs(twice, once, { connect: { x: "step/y" } });
  const [output] = thrice.outputs;
  const answer = await run(thrice, { x: shaped(Float32Array.of(1, 5), [2]) });
  assert.deepEqual([...floats(answer[output!.name])], [4, 8]);
});

/** Two convolutions with `between` in the middle: x [2, 3, 8, 8] → y. */
function twoConvolutions(channels: number, between: (g: GraphBuilder, x: Value) => Value, group = 1): Graph {
  const g = buildGraph("two");
  const x = g.input("x", { element: "float32", shape: [2, 3, 8, 8] });
  const pads = ints([1, 1, 1, 1]);
  const first = [g.constant(randomArray([channels, 3, 3, 3], 1)), g.constant(randomArray([channels], 2))];
  const middle = between(g, g.node("Conv", [x, ...first], { pads }));
  const second = g.constant(randomArray([4 * group, channels / group, 3, 3], 3));
  g.output(g.node("Conv", [middle, second], { pads, group: int(group) }), "y");
  return g.finish();
}
const clip = (low: number, high: number) => (g: GraphBuilder, x: Value) =>
  g.node("Clip", [x, g.scalar(low), g.scalar(high)]);
const widths = ({ nodes, types }: Graph) => nodes.slice(0, 2).map(({ outputs }) => types.get(outputs[0]!)?.shape[1]);

test("channels between two convolutions are filled up to whole blocks, and the answers stay", async () => {
  for (const [channels, filled] of [
    [9, 16],
    [16, 16],
    [24, 32],
  ] as const) {
    for (const between of [clip(0, 1), (g: GraphBuilder, x: Value) => g.node("Relu", [x])]) {
      const graph = twoConvolutions(channels, between);
      const whole = fillBlocks(graph);
      assert.deepEqual(widths(whole), [filled, filled]);
      const feeds = { x: randomArray([2, 3, 8, 8], 4) };
      const [before, after] = [await run(graph, feeds), await run(whole, feeds)];
      assert.ok(distance(floats(before["y"]!), floats(after["y"]!)) < 1e-5);
    }
  }
});

test("channels stay where what lies between would not leave their zeros alone, or others read them", () => {
  const untouched = [
    twoConvolutions(9, clip(0.5, 1)),
    twoConvolutions(9, (g, x) => g.node("Sigmoid", [x])),
    twoConvolutions(9, (g, x) => g.node("Relu", [x]), 3),
    twoConvolutions(9, (g, x) => {
      g.output(x, "seen");
      return g.node("Relu", [x]);
    }),
    twoConvolutions(4, (g, x) => g.node("Relu", [x])), // too few: more zeros than channels
  ];
  for (const graph of untouched) assert.deepEqual(widths(fillBlocks(graph)), widths(graph));
});
