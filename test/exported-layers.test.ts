// Layers from PyTorch's ONNX exporter: its outputs, and its gradients of every parameter and of nothing else.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { differentiate, functionsOf } from "../src/autodiff/index.ts";
import { must, type Shaped, shaped } from "../src/base/index.ts";
import {
  buildGraph,
  encodeModel,
  evaluateGraph,
  int,
  liveNodes,
  type Network,
  networkFromModel,
  readModel,
} from "../src/onnx/index.ts";
import { openExecutor } from "../src/runtime/index.ts";
import { askOracle } from "./python.ts";
import { skip } from "./torch-oracle.ts";

/** float32 on both sides; relative, but for arrays shorter than 1 (gradients of zero are rounding). */
const tolerance = 1e-5;

interface Answer {
  readonly x: readonly number[];
  readonly shape: readonly number[];
  readonly y: readonly number[];
  readonly weights: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

/** The network's output `y` and d(Σ y∘weights)/d(parameter) as outputs `d_NAME`. */
function differentiated(network: Network, weights: readonly number[]) {
  const { graph, parameters } = network;
  const g = buildGraph("layer", { ...graph, outputs: [] });
  const [y] = graph.outputs;
  const given = g.constant(shaped(Float32Array.from(weights), y!.type.shape.map(Number)));
  const loss = g.node("ReduceSum", [g.node("Mul", [y, given])], { keepdims: int(0) });
  const wanted = parameters.map(({ name, shape }) => ({ name, type: { element: "float32", shape } as const }));
  const found = differentiate(g, loss, wanted);
  g.output(g.node("Identity", [y]), "result");
  for (const [name, gradient] of found) g.output(gradient, `d_${name}`);
  return liveNodes(g.finish());
}

function feedsOf({ parameters, buffers }: Network, { x, shape }: Answer): Record<string, Shaped> {
  const held = [...parameters, ...buffers].map(({ name, shape: lengths, initial }) => {
    assert.equal(initial.kind, "values");
    return [name, shaped(initial.kind === "values" ? initial.values : new Float32Array(), lengths)] as const;
  });
  return { x: shaped(Float32Array.from(x), shape), ...Object.fromEntries(held) };
}

function near(mine: Shaped | undefined, wanted: readonly number[], what: string): void {
  assert.ok(mine !== undefined, `${what} is missing`);
  assert.equal(mine.data.length, wanted.length, what);
  const apart = Math.hypot(...wanted.map((number, index) => Number(mine.data[index]) - number));
  assert.ok(apart <= tolerance * Math.max(Math.hypot(...wanted), 1), `${what}: ${apart}`);
}

for (const opset of [13, 17]) {
  test(`layers exported by PyTorch in opset ${opset} have its outputs and gradients`, { skip }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "ichor-layers-"));
    const told = JSON.parse(askOracle("torch_layers.py", [folder, String(opset)])) as Readonly<Record<string, Answer>>;
    for (const [name, answer] of Object.entries(told)) {
      await t.test(name, async () => {
        const network = networkFromModel(must(readModel(readFileSync(join(folder, `${name}.onnx`)), name)));
        assert.deepEqual(network.parameters.map((one) => one.name).sort(), Object.keys(answer.gradients).sort());
        const graph = differentiated(network, answer.weights);
        const model = { graph, functions: functionsOf(graph.nodes), metadata: {} };
        const feeds = feedsOf(network, answer);
        const executor = must(await openExecutor(encodeModel(model), { threads: 1 }));
        const run = await executor.run(Object.fromEntries(executor.inputs.map((input) => [input, feeds[input]!])));
        await executor.close();
        for (const [where, found] of Object.entries({ evaluator: evaluateGraph(model, feeds), runtime: run })) {
          near(found["result"], answer.y, `output in ${where}`);
          for (const [parameter, gradient] of Object.entries(answer.gradients))
            near(found[`d_${parameter}`], gradient, `gradient of ${parameter} in ${where}`);
        }
      });
    }
    rmSync(folder, { recursive: true });
  });
}
