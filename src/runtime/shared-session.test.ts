import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, numbers } from "../../test/graphs.ts";
import {
  gradientProgram,
  initialVectors,
  optimiserScalars,
  trainingProgram,
  updateProgram,
} from "../autodiff/index.ts";
import { must } from "../base/index.ts";
import { models } from "../models/index.ts";
import { writeNetwork } from "../models/layers.ts";
import { buildGraph, initialise, int, ints, type Network } from "../onnx/index.ts";
import { openTrainingSession } from "./training-session.ts";
import { openOwnThread, openSharedSession } from "./training-thread.ts";

const [batch, size] = [8, 32];
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const lossWeights = [1, 1, 1, 1, 1, 2];

/** No batch normalisation, so that a batch in pieces is the same batch. */
function plainNetwork(images: number): Network {
  const net = writeNetwork(buildGraph("plain"));
  const { g } = net;
  const x = g.input("hu", { element: "float32", shape: [images, 3, size, size] });
  const normal = { kind: "normal", deviation: 0.2 } as const;
  const [w, b] = [
    net.parameter("w", [16, 3, 3, 3], { initial: normal }),
    net.parameter("b", [16], { initial: normal }),
  ];
  const y = g.node("Tanh", [g.node("Conv", [x, w, b], { pads: ints([1, 1, 1, 1]) })]);
  const head = net.parameter("head", [6, 16], { initial: normal });
  const features = g.node("Flatten", [g.node("GlobalAveragePool", [y])]);
  g.output(g.node("Gemm", [features, head], { transB: int(1) }), "slice_logits");
  return net.finish();
}

const cnn = (images: number) => models.cnn.build({ size, neighbours: 3, width: 16 }, images);

const feeds = (step: number) => ({
  hu: numbers(batch * 3 * size * size, step),
  labels: numbers(batch * 6, 2).map((value) => (value > 0.4 ? 1 : 0)),
  ...optimiserScalars(optimiser, { step, rate: 1e-2, decay: 0.01 }),
});

async function shared(build: (images: number) => Network, how: { pieces: number; workers: number }) {
  const network = build(batch / how.pieces);
  const gradient = gradientProgram(network, { lossWeights });
  const start = initialise(network, 5);
  const whole = trainingProgram(network, { optimiser, lossWeights });
  const update = updateProgram(start.parameters.length, { optimiser });
  const session = must(
    await openSharedSession({ gradient, update }, initialVectors(whole, network, start), { ...how, threads: 2 }),
  );
  const losses: number[] = [];
  for (let step = 1; step <= 5; step++) losses.push((await session.step(feeds(step))).loss);
  const state = await session.read();
  await session.close();
  return { losses, state };
}

test("two workers, or pieces one after the other, train as one session on the whole batch does", async () => {
  const network = plainNetwork(batch);
  const program = trainingProgram(network, { optimiser, lossWeights });
  const session = must(
    await openTrainingSession(program, initialVectors(program, network, initialise(network, 5)), { threads: 1 }),
  );
  const losses: number[] = [];
  for (let step = 1; step <= 5; step++) losses.push((await session.step(feeds(step))).loss);
  const state = await session.read();
  await session.close();
  for (const how of [
    { pieces: 2, workers: 2 },
    { pieces: 4, workers: 1 },
  ]) {
    const pieced = await shared(plainNetwork, how);
    assert.ok(distance(pieced.losses, losses) < 1e-5);
    assert.ok(distance(pieced.state["parameters"]!, state["parameters"]!) < 1e-4);
  }
});

test("how many workers take the pieces changes no byte, with batch normalisation too", async () => {
  const [one, two] = [await shared(cnn, { pieces: 2, workers: 1 }), await shared(cnn, { pieces: 2, workers: 2 })];
  assert.deepEqual(two, one);
  assert.ok(one.losses.every(Number.isFinite));
  assert.notDeepEqual(one.state["buffers"], initialise(cnn(4), 5).buffers);
});

test("the calling thread hands feeds over and asks a thread for everything else", async () => {
  const network = plainNetwork(batch / 2);
  const start = initialise(network, 5);
  const whole = trainingProgram(network, { optimiser, lossWeights });
  const programs = {
    gradient: gradientProgram(network, { lossWeights }),
    update: updateProgram(start.parameters.length, { optimiser }),
  };
  const thread = await openOwnThread();
  const asked: string[] = [];
  const openThread = (): typeof thread => ({
    ...thread,
    run(request, options) {
      asked.push(request.kind);
      return thread.run(request, options);
    },
  });
  const how = { pieces: 2, workers: 1, threads: 1, openThread };
  const session = must(await openSharedSession(programs, initialVectors(whole, network, start), how));
  const given = feeds(1);
  const step = session.step(given);
  assert.equal(given.hu.length, 0, "handed over");
  await step;
  await session.read();
  await session.close();
  assert.deepEqual(asked, ["share out", "step", "read", "close"]);
});

test("a state that does not fit is a problem before any thread is opened", async () => {
  const gradient = gradientProgram(plainNetwork(4), { lossWeights });
  const update = updateProgram(3, { optimiser });
  const opened = await openSharedSession(
    { gradient, update },
    { parameters: new Float32Array(3) },
    { pieces: 2, workers: 2, threads: 2 },
  );
  assert.equal(opened.kind === "problem" && opened.problem.kind, "state does not fit");
});
