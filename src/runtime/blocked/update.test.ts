import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, numbers } from "../../../test/graphs.ts";
import { initialVectors, optimiserScalars, type TrainingSettings, trainingProgram } from "../../autodiff/index.ts";
import { must } from "../../base/index.ts";
import { lossWeights } from "../../labels/index.ts";
import { initialise } from "../../models/index.ts";
import { writeNetwork } from "../../models/layers.ts";
import { buildGraph, int, ints, type Network, type Value } from "../../onnx/index.ts";
import { openTrainingSession } from "../training-session.ts";
import { lowerProgram } from "./lower.ts";
import { probeBlock } from "./probe.ts";

const block = await probeBlock();
const skip = block === undefined ? "this processor has no blocked operators" : false;

/** Sums of a few hundred float32 products in another order, through three steps. */
const tolerance = 1e-4;

const adamw = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-3 } as const;
const sgd = { kind: "sgd", momentum: 0.9 } as const;
const size = 16;
const images = 4;

/** Small filters before, between and after large ones; weight decay on every other. */
function network(): Network {
  const net = writeNetwork(buildGraph("filters"));
  const conv = (x: Value, [to, kernel]: readonly [number, number], index: number): Value => {
    const shape = [to, Number(x.type.shape[1]), kernel, kernel];
    const initial = { kind: "normal", deviation: Math.sqrt(2 / (shape[1]! * kernel * kernel)) } as const;
    const w = net.parameter(`w${index}`, shape, { initial, ...(index % 2 === 1 && { decay: "decay" as const }) });
    const pad = (kernel - 1) / 2;
    return net.g.node("Conv", [x, w], { kernel_shape: ints([kernel, kernel]), pads: ints([pad, pad, pad, pad]) });
  };
  const x = net.g.input("image", { element: "float32", shape: [images, 3, size, size] });
  const plan = [
    [16, 3],
    [64, 5], // large, with decay
    [48, 3], // large
    [16, 1],
    [40, 7], // large, without decay
    [32, 1],
  ] as const;
  const y = plan.reduce((value, how, index) => net.g.node("Tanh", [conv(value, how, index)]), x);
  const flat = net.g.node("Flatten", [net.g.node("GlobalAveragePool", [y])]);
  const w = net.parameter("head", [6, 32], { initial: { kind: "normal", deviation: 0.3 }, decay: "decay" });
  net.g.output(net.g.node("Gemm", [flat, w], { transB: int(1) }), "slice_logits");
  return net.finish();
}

const rate = [{ pattern: "w1", scale: 0.3 }];

/** The state after three steps with much weight decay. */
async function threeSteps(settings: TrainingSettings, how: { form: "portable" | "fastest"; threads: number }) {
  const net = network();
  const program = trainingProgram(net, settings);
  const initial = initialVectors(program, net, initialise(net, 7), { ...settings, rates: rate });
  const session = must(await openTrainingSession(program, initial, how));
  const image = numbers(images * 3 * size * size, 1);
  const labels = numbers(images * 6, 2).map((x) => (x > 0.4 ? 1 : 0));
  const average = settings.average === true ? { average_decay: Float32Array.of(0.5) } : {};
  const scale = settings.lossScale === true ? { loss_scale: Float32Array.of(8) } : {};
  for (let step = 1; step <= 3; step++) {
    const scalars = optimiserScalars(settings.optimiser, { step, rate: 0.05, decay: 0.3 });
    await session.step({ image, labels, ...scalars, ...average, ...scale });
  }
  const state = await session.read();
  await session.close();
  return { state, slots: program.slots };
}

const cases: Readonly<Record<string, TrainingSettings>> = {
  "momentum and weight decay": { optimiser: sgd, lossWeights },
  "frozen filters, an average and learning rates by layer": {
    optimiser: sgd,
    lossWeights,
    frozen: ["w2"],
    average: true,
    rates: true,
  },
  "Nesterov's momentum": { optimiser: { ...sgd, nesterov: true }, lossWeights },
  "a clipped gradient": { optimiser: sgd, lossWeights, clipNorm: 0.1 },
  AdamW: { optimiser: adamw, lossWeights },
  "AdamW with everything else": {
    optimiser: adamw,
    lossWeights,
    clipNorm: 0.1,
    clipValue: 0.05,
    average: true,
    rates: true,
    lossScale: true,
  },
};

for (const [name, settings] of Object.entries(cases)) {
  test(`${name}: every parameter moves the same blocked and portable`, { skip }, async () => {
    const portable = await threeSteps(settings, { form: "portable", threads: 1 });
    const fastest = await threeSteps(settings, { form: "fastest", threads: 1 });
    for (const [vector, wanted] of Object.entries(portable.state)) {
      for (const { name: slot, shape, offset } of vector === "buffers" ? [] : portable.slots) {
        const end = offset + shape.reduce((a, b) => a * b, 1);
        const off = distance(fastest.state[vector]!.subarray(offset, end), wanted.subarray(offset, end));
        assert.ok(off < tolerance, `${vector} ${slot}: ${off}`);
      }
    }
  });
}

test("momentum gives the same bytes, whatever the threads", { skip }, async () => {
  const [one, again, two] = await Promise.all(
    [1, 1, 2].map((threads) => threeSteps(cases["momentum and weight decay"]!, { form: "fastest", threads })),
  );
  assert.deepEqual(again!.state, one!.state);
  assert.deepEqual(two!.state, one!.state);
});

test("no vector over all parameters is made, but where all of a gradient decides", { skip }, () => {
  const whole = (settings: TrainingSettings) => {
    const { graph } = lowerProgram(trainingProgram(network(), settings), block!).model;
    const length = graph.types.get("parameters")!.shape.join();
    return graph.nodes.filter(({ outputs: [made = ""] }) => graph.types.get(made)?.shape.join() === length).length;
  };
  const made = Object.entries(cases).map(([name, settings]) => [name, whole(settings)] as const);
  assert.deepEqual(Object.fromEntries(made.filter(([, count]) => count > 0)), {
    "a clipped gradient": 1,
    "AdamW with everything else": 2, // its length, and whether it is finite
  });
});
