import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, floats, numbers, randomArray, runGraph } from "../../../test/graphs.ts";
import { callComposite } from "../../autodiff/composites.ts";
import { initialVectors, optimiserScalars, trainingProgram } from "../../autodiff/index.ts";
import { must, type Shaped } from "../../base/index.ts";
import { lossWeights } from "../../labels/index.ts";
import { initialise, models } from "../../models/index.ts";
import { int, ints } from "../../onnx/index.ts";
import { openTrainingSession } from "../training-session.ts";
import { convFits, convInputGrad, convWeightGrad, forwardOf } from "./convolution.ts";
import { holdSlots, packVector, unpackVector } from "./layout.ts";
import { blockedConv, toBlocked, toPlain } from "./operators.ts";
import { probeBlock } from "./probe.ts";

const block = await probeBlock();
const skip = block === undefined ? "this processor has no blocked operators" : false;

/** Sums of a few hundred float32 products in another order. */
const tolerance = 2e-5;

const filterSlot = (shape: readonly number[]) => ({ name: "w", shape, offset: 0 });

for (const B of [8, 16]) {
  test(`packing in blocks of ${B} and back leaves a vector as it was, and pads with zeros`, () => {
    const slots = [
      { name: "a", shape: [5, 3, 3, 3], offset: 0 },
      { name: "b", shape: [5], offset: 135 },
      { name: "c", shape: [7, 2], offset: 140 },
    ];
    const layouts = { a: "filter", b: "channels", c: "plain" } as const;
    const held = holdSlots(slots, ({ name }) => layouts[name as "a"], B);
    const plain = numbers(154, 1);
    const packed = packVector(plain, held, B);
    assert.deepEqual(unpackVector(packed, held, B), plain);
    assert.equal(packed.filter((value) => value !== 0).length, plain.filter((value) => value !== 0).length);
  });
}

const shapes = [
  { kernel: 3, stride: 1, plane: [32, 32], channels: [16, 32], n: 4 },
  { kernel: 3, stride: 2, plane: [32, 32], channels: [16, 32], n: 4 },
  { kernel: 3, stride: 1, plane: [8, 8], channels: [32, 48], n: 3 },
  { kernel: 3, stride: 2, plane: [8, 8], channels: [32, 16], n: 2 },
  { kernel: 3, stride: 1, plane: [16, 48], channels: [9, 20], n: 2 },
  { kernel: 3, stride: 2, plane: [32, 64], channels: [9, 16], n: 3 },
  { kernel: 3, stride: 1, plane: [8, 8], channels: [256, 256], n: 2 },
  { kernel: 1, stride: 1, plane: [8, 16], channels: [24, 6], n: 3 },
] as const;

for (const { kernel, stride, plane, channels, n } of shapes) {
  const [inputs, outputs] = channels;
  test(`a ${kernel}×${kernel} convolution ${inputs}→${outputs} of stride ${stride} on ${plane.join("×")} and its gradients are the plain ones`, {
    skip,
  }, async () => {
    const B = block!;
    const wShape = [outputs, inputs, kernel, kernel];
    const pad = (kernel - 1) / 2;
    const how = {
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      dilations: [1, 1],
      kernel_shape: [kernel, kernel],
    };
    const shape = convFits({ x: [n, inputs, ...plane], w: wShape, ...how, group: 1 }, B);
    assert.ok(shape !== undefined);
    const held = holdSlots([filterSlot(wShape)], () => "filter", B);
    const w = randomArray(wShape, 3);
    const packed: Shaped<Float32Array> = { data: packVector(w.data, held, B), shape: held[0]!.shape };
    const dyShape = [n, outputs, ...plane.map((length) => length / stride)];
    const feeds = { x: randomArray([n, inputs, ...plane], 4), w, packed, dy: randomArray(dyShape, 5) };
    const answer = await runGraph(feeds, (g, values) => {
      const [x, dy] = [toBlocked(g, values["x"]!, B), toBlocked(g, values["dy"]!, B)];
      const sliding = Object.fromEntries(Object.entries(how).map(([name, value]) => [name, ints(value)]));
      const attributes = { ...sliding, group: int(1) };
      const padding = { output_padding: ints([stride - 1, stride - 1]) };
      return {
        y: toPlain(g, blockedConv(g, x, values["packed"]!, forwardOf(shape)), outputs),
        dx: toPlain(g, convInputGrad(g, dy, values["packed"]!, shape), inputs),
        dw: convWeightGrad(g, { x, dy, channels: inputs }, shape),
        plainY: g.node("Conv", [values["x"], values["w"]], attributes),
        plainDx: callComposite(g, "ConvInputGrad", {
          inputs: [values["dy"]!, values["w"]!, values["x"]!],
          attributes: { ...attributes, ...padding },
        })[0]!,
        plainDw: callComposite(g, "ConvWeightGrad", { inputs: [values["x"]!, values["dy"]!], attributes })[0]!,
      };
    });
    assert.ok(distance(floats(answer["y"]), floats(answer["plainY"])) < tolerance);
    assert.ok(distance(floats(answer["dx"]), floats(answer["plainDx"])) < tolerance);
    assert.ok(distance(unpackVector(floats(answer["dw"]), held, B), floats(answer["plainDw"])) < tolerance);
  });
}

for (const [model, size, width] of [
  ["cnn", 64, 16],
  ["cnn", 48, 12],
  ["mlp2020", 16, 16],
] as const) {
  test(`five steps of ${model} at ${size}×${size}, width ${width}, give the same losses and state blocked and portable`, async () => {
    const row = models[model];
    const batch = 4;
    const network = row.build({ size, neighbours: row.neighbours, width }, batch);
    const optimiser = { kind: "sgd", momentum: 0.9 } as const;
    const program = trainingProgram(network, { optimiser, lossWeights });
    const initial = initialVectors(program, network, initialise(network, 7));
    const pixels = batch * row.neighbours * size * size;
    const feeds: Record<string, Float32Array> = {
      hu: numbers(pixels, 1).map((x) => 40 + 60 * x),
      labels: numbers(batch * 6, 2).map((x) => (x > 0.4 ? 1 : 0)),
    };
    for (const { name, shape } of program.feeds)
      if (name.endsWith("_uniform"))
        feeds[name] = numbers(
          shape.reduce((a, b) => a * b, 1),
          3,
        ).map((x) => (x + 1) / 2);
    const [portable, fastest] = await Promise.all(
      (["portable", "fastest"] as const).map(async (form) => {
        const session = must(await openTrainingSession(program, initial, { threads: 1, form }));
        const losses: number[] = [];
        for (let step = 1; step <= 5; step++)
          losses.push(
            (await session.step({ ...feeds, ...optimiserScalars(optimiser, { step, rate: 1e-3, decay: 0.01 }) })).loss,
          );
        const state = await session.read();
        await session.close();
        return { losses, state, form: session.form };
      }),
    );
    assert.equal(portable!.form, "portable");
    if (block !== undefined) assert.equal(fastest!.form, `blocked (${block})`);
    assert.ok(distance(fastest!.losses, portable!.losses) < 1e-4);
    assert.ok(portable!.losses[4]! < portable!.losses[0]!, "the loss falls");
    assert.ok(distance(fastest!.state["parameters"]!, portable!.state["parameters"]!) < 1e-4);
    if (program.buffers.length > 0) assert.ok(distance(fastest!.state["buffers"]!, portable!.state["buffers"]!) < 1e-4);
  });
}

test("a session of the same start and feeds gives the same bytes, whatever its threads", async () => {
  const network = models.cnn.build({ size: 32, neighbours: 3, width: 16 }, 4);
  const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
  const program = trainingProgram(network, { optimiser, lossWeights });
  const initial = initialVectors(program, network, initialise(network, 7));
  const feeds = {
    hu: numbers(4 * 3 * 32 * 32, 1).map((x) => 40 + 60 * x),
    labels: numbers(24, 2).map((x) => (x > 0.4 ? 1 : 0)),
  };
  const states = await Promise.all(
    [1, 1, 2].map(async (threads) => {
      const session = must(await openTrainingSession(program, initial, { threads }));
      for (let step = 1; step <= 3; step++)
        await session.step({ ...feeds, ...optimiserScalars(optimiser, { step, rate: 1e-3, decay: 0.01 }) });
      const { parameters } = await session.read();
      await session.close();
      return parameters;
    }),
  );
  assert.deepEqual(states[1], states[0]);
  assert.deepEqual(states[2], states[0]);
});
