// What every executor keeps to, whatever it runs on.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { functionsOf, initialVectors, optimiserScalars, trainingProgram } from "../../src/autodiff/index.ts";
import { must, type Result, type Shaped, shaped } from "../../src/base/index.ts";
import { lossWeights } from "../../src/labels/index.ts";
import { initialise, models } from "../../src/models/index.ts";
import { buildGraph, encodeModel, type GraphBuilder, int, type Model, type Value } from "../../src/onnx/index.ts";
import type { Executor } from "../../src/runtime/index.ts";
import { distance, floats, numbers, randomArray } from "../graphs.ts";

/** Opens a model on the executor under test. */
export type Opener = (model: Model | Uint8Array, where: string) => Promise<Result<Executor>>;

/** Eight steps carry the roundings of each into the next. */
const trainingTolerance = 1e-3;

/** The suite, for one executor; `reference` gives the numbers to compare with. */
export function executorContract(
  name: string,
  open: Opener,
  { skip, reference }: { skip: string | false; reference: Opener },
) {
  describe(`the executor ${name}`, { skip }, () => {
    test("names inputs and outputs, and multiplies matrices", async () => {
      const executor = must(await open(product(), "product"));
      assert.deepEqual([executor.inputs, executor.outputs], [["a", "b"], ["y"]]);
      const a = shaped(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
      const b = shaped(Float32Array.of(1, 0, 0, 1, 1, 1), [3, 2]);
      const { y } = await executor.run({ a, b });
      assert.deepEqual(
        [y?.shape, [...floats(y)]],
        [
          [2, 2],
          [4, 5, 10, 11],
        ],
      );
      await executor.close();
    });

    test("leaves its inputs alone, and an answer outlives the next run", async () => {
      const executor = must(await open(product(), "product"));
      const [a, b] = [randomArray([2, 3], 1), randomArray([3, 2], 2)];
      const before = [...a.data];
      const first = floats((await executor.run({ a, b }))["y"]);
      const kept = [...first];
      await executor.run({ a: randomArray([2, 3], 3), b });
      assert.deepEqual([[...a.data], [...first]], [before, kept]);
      await executor.close();
    });

    test("hands every element type through", async () => {
      const given: Record<string, Shaped> = {
        float: shaped(Float32Array.of(1.5, -2), [2]),
        whole: shaped(BigInt64Array.of(2n ** 40n, -3n), [2]),
        small: shaped(Int32Array.of(7, -8), [2, 1]),
        bytes: shaped(Uint8Array.of(0, 255), [1, 2]),
        truth: shaped(Uint8Array.of(0, 1), [2]),
        scalar: shaped(Float32Array.of(4), []),
      };
      const types = {
        float: "float32",
        whole: "int64",
        small: "int32",
        bytes: "uint8",
        truth: "bool",
        scalar: "float32",
      } as const;
      const model = write((g) => {
        for (const [input, element] of Object.entries(types)) {
          const value = g.input(input, { element, shape: given[input]!.shape });
          g.output(g.node("Identity", [value]), `${input}_out`);
        }
      });
      const executor = must(await open(model, "types"));
      const answers = await executor.run(given);
      for (const [input, { data, shape }] of Object.entries(given)) {
        const answer = answers[`${input}_out`];
        assert.deepEqual([answer?.shape, [...(answer?.data ?? [])]], [shape, [...data]], input);
      }
      await executor.close();
    });

    test("takes a length that is known at run time only", async () => {
      const model = write((g) => {
        const x = g.input("x", { element: "float32", shape: ["rows", 3] });
        g.output(g.node("ReduceSum", [x, g.axes([1])], { keepdims: int(0) }), "y");
      });
      const executor = must(await open(model, "rows"));
      for (const rows of [1, 4]) {
        const x = shaped(
          Float32Array.from({ length: 3 * rows }, (_, index) => index),
          [rows, 3],
        );
        const y = (await executor.run({ x }))["y"];
        const wanted = Array.from({ length: rows }, (_, row) => 9 * row + 3);
        assert.deepEqual([y?.shape, [...floats(y)]], [[rows], wanted]);
      }
      await executor.close();
    });

    test("two of them work side by side, and runs that overlap do not mix", async () => {
      const executors = [must(await open(product(), "one")), must(await open(product(), "two"))];
      const b = randomArray([3, 2], 9);
      const feeds = Array.from({ length: 6 }, (_, seed) => randomArray([2, 3], seed));
      const answers = await Promise.all(feeds.map((a, index) => executors[index % 2]!.run({ a, b })));
      for (const [index, a] of feeds.entries()) {
        const alone = await executors[0]!.run({ a, b });
        assert.deepEqual([...floats(answers[index]!["y"])], [...floats(alone["y"])]);
      }
      for (const executor of executors) await executor.close();
    });

    test("says what is wrong with a model, and with feeds", async () => {
      const refused = await open(new Uint8Array([8, 8, 58, 3, 1, 2, 3]), "broken.onnx");
      assert.equal(refused.kind, "problem");
      if (refused.kind === "problem")
        assert.deepEqual([refused.problem.kind, refused.problem.where], ["model refused", "broken.onnx"]);
      const executor = must(await open(product(), "product"));
      await assert.rejects(executor.run({ a: randomArray([2, 3], 1) }), /'?b'?/);
      await executor.close();
    });

    test("trains: losses and state of eight steps of a small network as on the processor", async () => {
      const [losses, state] = await trainSmall(open);
      const [wanted, wantedState] = await trainSmall(reference);
      assert.ok(losses.at(-1)! < 0.7 * losses[0]!, `the loss falls: ${losses}`);
      assert.ok(distance(losses, wanted) < trainingTolerance, `${losses} against ${wanted}`);
      for (const [vector, values] of Object.entries(wantedState)) {
        const apart = distance(state[vector]!, values);
        assert.ok(apart < trainingTolerance, `${vector}: ${apart}`);
      }
    });
  });
}

const write = (body: (g: GraphBuilder) => void): Uint8Array => {
  const g = buildGraph("contract");
  body(g);
  const graph = g.finish();
  return encodeModel({ graph, functions: functionsOf(graph.nodes), metadata: {} });
};

const product = () =>
  write((g) => {
    const matrix = (name: string, shape: readonly number[]): Value => g.input(name, { element: "float32", shape });
    g.output(g.node("MatMul", [matrix("a", [2, 3]), matrix("b", [3, 2])]), "y");
  });

/** A training of a small network on one batch: its program, its first state, and what a step is fed besides state. */
function smallTraining() {
  const settings = { batch: 4, size: 32, neighbours: 1, width: 4 };
  const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
  const network = models.cnn.build(settings, settings.batch);
  const program = trainingProgram(network, { optimiser, lossWeights });
  const batch = {
    hu: numbers(settings.batch * settings.size ** 2, 5).map((x) => 30 + 70 * x),
    labels: numbers(settings.batch * 6, 6).map((x) => (x > 0.4 ? 1 : 0)),
  };
  return {
    program,
    initial: initialVectors(program, network, initialise(network, 3)),
    feeds: (step: number): Readonly<Record<string, Float32Array>> => ({
      ...batch,
      ...optimiserScalars(optimiser, { step, rate: 3e-3, decay: 0.01 }),
    }),
  };
}

/** Eight steps of AdamW: losses, and the state after them. The portable form, which runs everywhere. */
async function trainSmall(open: Opener): Promise<[number[], Record<string, Float32Array>]> {
  const { program, initial, feeds } = smallTraining();
  const state: Record<string, Float32Array> = { ...initial };
  const executor = must(await open(program.model, "training step"));
  const losses: number[] = [];
  for (let step = 1; step <= 8; step++) {
    const given: Record<string, Shaped> = {};
    for (const { name, shape } of program.feeds) given[name] = { data: feeds(step)[name]!, shape };
    for (const [name, data] of Object.entries(state)) given[name] = shaped(data, [data.length]);
    const answers = await executor.run(Object.fromEntries(executor.inputs.map((name) => [name, given[name]!])));
    losses.push(floats(answers["loss"])[0]!);
    for (const name of Object.keys(state)) if (`${name}_next` in answers) state[name] = floats(answers[`${name}_next`]);
  }
  await executor.close();
  return [losses, state];
}
