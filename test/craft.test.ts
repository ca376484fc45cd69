// The craft of training beside PyTorch: clipping, averaging, Nesterov, learning rates by layer, frozen layers, pieces.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  gradientProgram,
  initialVectors,
  optimiserScalars,
  type TrainingSettings,
  trainingProgram,
  updateProgram,
} from "../src/autodiff/index.ts";
import { must } from "../src/base/index.ts";
import { writeNetwork } from "../src/models/layers.ts";
import { buildGraph, initialise, int, ints, layOut, type Network } from "../src/onnx/index.ts";
import { openExecutor, openTrainingSession } from "../src/runtime/index.ts";
import { distance, numbers } from "./graphs.ts";
import { askOracle, without } from "./python.ts";

const skip = without("python3-torch", "torch");

const [batch, size, steps] = [4, 16, 20];
const lossWeights = [1, 1, 1];

/** Two convolutions and a dense layer; smooth, so that no gate flips by rounding. */
function networkFor(images: number): Network {
  const net = writeNetwork(buildGraph("crafted"));
  const { g } = net;
  const x = g.input("image", { element: "float32", shape: [images, 3, size, size] });
  const normal = { kind: "normal", deviation: 0.3 } as const;
  const [w1, b1] = [
    net.parameter("first.weight", [16, 3, 3, 3], { initial: normal, decay: "decay" }),
    net.parameter("first.bias", [16], { initial: normal, decay: "decay" }),
  ];
  const w2 = net.parameter("second.weight", [16, 16, 3, 3], { initial: normal, decay: "decay" });
  const y = g.node("Tanh", [g.node("Conv", [x, w1, b1], { pads: ints([1, 1, 1, 1]) })]);
  const z = g.node("Tanh", [g.node("Conv", [y, w2], { pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) })]);
  const features = g.node("Flatten", [g.node("GlobalAveragePool", [z])]);
  const head = net.parameter("head.weight", [3, 16], { initial: normal, decay: "decay" });
  const bias = net.parameter("head.bias", [3], { initial: normal, decay: "decay" });
  g.output(g.node("Gemm", [features, head, bias], { transB: int(1) }), "slice_logits");
  return net.finish();
}

const network = networkFor(batch);
const start = initialise(network, 3);
const image = numbers(batch * 3 * size * size, 1);
const labels = numbers(batch * 3, 2).map((value) => (value > 0 ? 1 : 0));

interface Way {
  readonly losses: readonly number[];
  readonly parameters: readonly number[];
  readonly average?: readonly number[];
}
type Told = Readonly<Record<"clippedAndAveraged" | "byLayers" | "inPieces" | "byValue", Way>>;

let asked: Told | undefined;
function torch(): Told {
  if (asked !== undefined) return asked;
  const parameters = Object.fromEntries(
    layOut(network.parameters).map(({ name, shape, offset }) => {
      const length = shape.reduce((product, side) => product * side, 1);
      return [name, { shape, values: [...start.parameters.subarray(offset, offset + length)] }];
    }),
  );
  const request = { image: [...image], labels: [...labels], shape: [batch, 3, size, size], parameters, steps };
  asked = JSON.parse(askOracle("torch_craft.py", [], request)) as Told;
  return asked;
}

type Feeds = Readonly<Record<string, Float32Array>>;
interface Training {
  readonly settings: Omit<TrainingSettings, "lossWeights">;
  readonly feeds: (step: number) => Feeds;
  readonly rates?: Parameters<typeof initialVectors>[3];
  readonly form: "portable" | "fastest";
}

async function train({ settings, feeds, rates, form }: Training) {
  const program = trainingProgram(network, { ...settings, lossWeights });
  const session = must(
    await openTrainingSession(program, initialVectors(program, network, start, rates), { threads: 1, form }),
  );
  const [losses, finite]: [number[], boolean[]] = [[], []];
  for (let step = 1; step <= steps; step++) {
    const taken = await session.step({ image: image.slice(), labels: labels.slice(), ...feeds(step) });
    losses.push(taken.loss);
    finite.push(taken.finite);
  }
  const state = await session.read();
  await session.close();
  return { losses, finite, state };
}

const close = 2e-5;

for (const form of ["portable", "fastest"] as const) {
  test(`Nesterov, a clipped norm and an average of the parameters are PyTorch's (${form})`, { skip }, async () => {
    const optimiser = { kind: "sgd", momentum: 0.9, nesterov: true } as const;
    const { losses, state } = await train({
      settings: { optimiser, clipNorm: 0.05, average: true },
      feeds: (step) => ({
        ...optimiserScalars(optimiser, { step, rate: 0.5, decay: 0.01 }),
        average_decay: Float32Array.of(0.9),
      }),
      form,
    });
    const wanted = torch().clippedAndAveraged;
    assert.ok(distance(losses, wanted.losses) < close);
    assert.ok(distance(state["parameters"]!, wanted.parameters) < close);
    assert.ok(distance(state["average"]!, wanted.average!) < close);
  });

  test(`gradients clipped by value are PyTorch's (${form})`, { skip }, async () => {
    const optimiser = { kind: "sgd", momentum: 0 } as const;
    const { losses, state } = await train({
      settings: { optimiser, clipValue: 0.01 },
      feeds: (step) => optimiserScalars(optimiser, { step, rate: 0.5, decay: 0 }),
      form,
    });
    assert.ok(distance(losses, torch().byValue.losses) < close);
    assert.ok(distance(state["parameters"]!, torch().byValue.parameters) < close);
  });

  test(`learning rates by layer are PyTorch's parameter groups, and frozen layers do not move (${form})`, {
    skip,
  }, async () => {
    const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
    const frozen = ["first.*"];
    const { losses, state } = await train({
      settings: { optimiser, frozen, rates: true },
      feeds: (step) => optimiserScalars(optimiser, { step, rate: 0.01, decay: 0.1 }),
      rates: { frozen, rates: [{ pattern: "second.*", scale: 0.2 }] },
      form,
    });
    assert.ok(distance(losses, torch().byLayers.losses) < close);
    assert.ok(distance(state["parameters"]!, torch().byLayers.parameters) < close);
    const fixed = 16 * 27 + 16; // the first layer's weight and bias
    assert.deepEqual(state["parameters"]!.subarray(0, fixed), start.parameters.subarray(0, fixed));
  });
}

test("no backward pass is written through layers that are frozen at the bottom", () => {
  const ops = (frozen: readonly string[]) =>
    gradientProgram(network, { lossWeights, frozen }).model.graph.nodes.filter(({ op }) => /Conv.*Grad/.test(op))
      .length;
  assert.deepEqual([ops([]), ops(["first.*"]), ops(["first.*", "second.*"])], [3, 1, 0]);
});

test("the mean gradient of two pieces of a batch, then one update, is PyTorch's accumulation", { skip }, async () => {
  const optimiser = { kind: "sgd", momentum: 0.9 } as const;
  const piece = gradientProgram(networkFor(batch / 2), { lossWeights });
  const update = updateProgram(start.parameters.length, { optimiser });
  const [gradients, updates] = [must(await openExecutor(piece.model)), must(await openExecutor(update.model))];
  const flat = (data: Float32Array) => ({ data, shape: [data.length] });
  let parameters: Float32Array = start.parameters;
  let moment1: Float32Array = new Float32Array(parameters.length);
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const mean = new Float32Array(parameters.length);
    let loss = 0;
    for (const half of [0, 1]) {
      const part = (all: Float32Array) => all.slice((half * all.length) / 2, ((half + 1) * all.length) / 2);
      const answer = await gradients.run({
        parameters: flat(parameters),
        image: { data: part(image), shape: [batch / 2, 3, size, size] },
        labels: { data: part(labels), shape: [batch / 2, 3] },
      });
      (answer["gradient"]!.data as Float32Array).forEach((value, index) => {
        mean[index]! += value / 2;
      });
      loss += Number(answer["loss"]!.data[0]) / 2;
    }
    losses.push(loss);
    const scalars = optimiserScalars(optimiser, { step, rate: 0.5, decay: 0 });
    const feeds = { parameters, moment1, gradient: mean, decayed: new Float32Array(mean.length), ...scalars };
    const next = await updates.run(Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, flat(data)])));
    [parameters, moment1] = [next["parameters_next"]!.data as Float32Array, next["moment1_next"]!.data as Float32Array];
  }
  await Promise.all([gradients.close(), updates.close()]);
  assert.ok(distance(losses, torch().inPieces.losses) < close);
  assert.ok(distance(parameters, torch().inPieces.parameters) < close);
});

for (const form of ["portable", "fastest"] as const)
  test(`loss scaling changes nothing but the range, and skips a step whose gradient is not finite (${form})`, async () => {
    const optimiser = { kind: "sgd", momentum: 0.9 } as const;
    const scaled = (scale: (step: number) => number): Training => ({
      settings: { optimiser, lossScale: true },
      feeds: (step) => ({
        ...optimiserScalars(optimiser, { step, rate: 0.1, decay: 0 }),
        loss_scale: Float32Array.of(scale(step)),
      }),
      form,
    });
    const [plain, large] = [await train(scaled(() => 1)), await train(scaled(() => 1024))];
    assert.ok(distance(large.losses, plain.losses) < close);
    const skipped = await train(scaled((step) => (step > 5 ? Number.POSITIVE_INFINITY : 1)));
    assert.equal(new Set(skipped.losses.slice(5)).size, 1, "nothing moves once the gradient overflows");
    assert.deepEqual(
      skipped.finite,
      Array.from({ length: steps }, (_, taken) => taken < 5),
    );
    assert.ok(skipped.state["parameters"]!.every(Number.isFinite));
  });
