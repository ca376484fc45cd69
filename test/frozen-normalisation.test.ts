// Batch normalisations that are frozen by name, beside PyTorch's in evaluation mode.
import assert from "node:assert/strict";
import { test } from "node:test";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must } from "../src/base/index.ts";
import { writeNetwork } from "../src/models/layers.ts";
import { buildGraph, initialise, int, ints, layOut, type Network, type Slot } from "../src/onnx/index.ts";
import { openTrainingSession } from "../src/runtime/index.ts";
import { distance, numbers } from "./graphs.ts";
import { askOracle, without } from "./python.ts";

const skip = without("python3-torch", "torch");

const [batch, size, steps, rate] = [4, 8, 10, 0.2];

/** Three stages of convolution, normalisation and Tanh, named as PyTorch names them. */
function threeStages(): Network {
  const net = writeNetwork(buildGraph("stages"));
  const { g } = net;
  const normal = { kind: "normal", deviation: 0.4 } as const;
  let x = g.input("image", { element: "float32", shape: [batch, 3, size, size] });
  for (const stage of ["a", "b", "c"]) {
    const w = net.parameter(`${stage}.conv.weight`, [4, Number(x.type.shape[1]), 3, 3], { initial: normal });
    const scale = net.parameter(`${stage}.norm.weight`, [4], { initial: { kind: "constant", value: 0.8 } });
    const bias = net.parameter(`${stage}.norm.bias`, [4], { initial: normal });
    const mean = net.buffer(`${stage}.norm.running_mean`, 4, 0.3);
    const variance = net.buffer(`${stage}.norm.running_var`, 4, 2);
    const y = g.node("Conv", [x, w], { pads: ints([1, 1, 1, 1]) });
    x = g.node("Tanh", [g.node("BatchNormalization", [y, scale, bias, mean, variance])]);
  }
  const features = g.node("Flatten", [g.node("GlobalAveragePool", [x])]);
  const [w, b] = [
    net.parameter("head.weight", [3, 4], { initial: normal }),
    net.parameter("head.bias", [3], { initial: normal }),
  ];
  g.output(g.node("Gemm", [features, w, b], { transB: int(1) }), "slice_logits");
  return net.finish();
}

const network = threeStages();
const start = initialise(network, 3);
const image = numbers(batch * 3 * size * size, 1);
const labels = numbers(batch * 3, 2).map((value) => (value > 0 ? 1 : 0));
const optimiser = { kind: "sgd", momentum: 0.9 } as const;

/** The arrays of a flat vector by their names. */
const named = (slots: readonly Slot[], vector: Float32Array) =>
  slots.map(({ name, shape, offset }) => {
    const length = shape.reduce((product, side) => product * side, 1);
    return { name, shape, values: [...vector.subarray(offset, offset + length)] };
  });
const stateOf = (parameters: Float32Array, buffers: Float32Array) => [
  ...named(layOut(network.parameters), parameters),
  ...named(layOut(network.buffers), buffers),
];

async function train(frozen: readonly string[], form: "portable" | "fastest" = "fastest") {
  const program = trainingProgram(network, { optimiser, lossWeights: [1, 1, 1], frozen });
  const initial = initialVectors(program, network, start, { frozen });
  const session = must(await openTrainingSession(program, initial, { threads: 1, form }));
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const scalars = optimiserScalars(optimiser, { step, rate, decay: 0 });
    losses.push((await session.step({ image: image.slice(), labels: labels.slice(), ...scalars })).loss);
  }
  const { parameters, buffers } = await session.read();
  await session.close();
  return { losses, state: stateOf(parameters!, buffers!) };
}

/** Names of what has moved from the start. */
async function moved(frozen: readonly string[]): Promise<readonly string[]> {
  const before = new Map(stateOf(start.parameters, start.buffers).map(({ name, values }) => [name, values]));
  const { state } = await train(frozen);
  return state
    .filter(({ name, values }) => values.some((value, at) => value !== before.get(name)![at]))
    .map((s) => s.name);
}

for (const form of ["portable", "fastest"] as const) {
  test(`a stage that is frozen, and one whose statistics are, train as PyTorch's in evaluation mode (${form})`, {
    skip,
  }, async () => {
    const state = Object.fromEntries(stateOf(start.parameters, start.buffers).map(({ name, ...rest }) => [name, rest]));
    const request = { image: [...image], labels: [...labels], shape: [batch, 3, size, size], state, steps, rate };
    const wanted: { losses: number[]; state: Record<string, number[]> } = JSON.parse(
      askOracle("torch_frozen.py", [], request),
    );
    const got = await train(["a.*", "b.norm.running_*"], form);
    assert.ok(distance(got.losses, wanted.losses) < 1e-5);
    for (const { name, values } of got.state) assert.ok(distance(values, wanted.state[name]!) < 1e-4, name);
  });
}

test("statistics stay where one of them, or scale and bias together, are named, and nowhere else", async () => {
  const all = stateOf(start.parameters, start.buffers).map(({ name }) => name);
  const but = (...gone: readonly string[]) => all.filter((name) => !gone.includes(name));
  const statistics = ["b.norm.running_mean", "b.norm.running_var"];
  assert.deepEqual(await moved([]), all);
  assert.deepEqual(await moved(["b.norm.running_mean"]), but(...statistics));
  assert.deepEqual(await moved(["b.norm.running_var"]), but(...statistics));
  assert.deepEqual(await moved(["b.norm.bias"]), but("b.norm.bias"));
  const both = ["b.norm.weight", "b.norm.bias"];
  assert.deepEqual(await moved(both), but(...both, ...statistics));
});
