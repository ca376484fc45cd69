import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, numbers } from "../../../test/graphs.ts";
import { initialVectors, optimiserScalars, trainingProgram } from "../../autodiff/index.ts";
import { must } from "../../base/index.ts";
import { lossWeights } from "../../labels/index.ts";
import { initialise, models } from "../../models/index.ts";
import { type NetworkWriter, writeNetwork } from "../../models/layers.ts";
import { buildGraph, float, int, ints, type Network, type Program, type Value } from "../../onnx/index.ts";
import { openTrainingSession } from "../training-session.ts";
import { holdSlots, packVector, unpackVector } from "./layout.ts";
import { lowerProgram } from "./lower.ts";
import { probeBlock } from "./probe.ts";

const block = await probeBlock();
const skip = block === undefined ? "this processor has no blocked operators" : false;

/** Sums of a few hundred float32 products in another order. */
const tolerance = 2e-5;

for (const B of [8, 16]) {
  test(`packing in blocks of ${B} and back leaves a vector as it was, and pads with zeros`, () => {
    const slots = [
      { name: "a", shape: [5, 3, 3, 3], offset: 0 },
      { name: "b", shape: [5], offset: 135 },
      { name: "c", shape: [7, 2], offset: 140 },
      { name: "d", shape: [5, 1, 3, 3], offset: 154 },
      { name: "e", shape: [9, 3, 7, 7], offset: 199 },
    ];
    const layouts = { a: "filter", b: "channels", c: "plain", d: "depthwise", e: "image" } as const;
    const held = holdSlots(slots, ({ name }) => layouts[name as "a"], B);
    const plain = numbers(1522, 1);
    const packed = packVector(plain, held, B);
    assert.deepEqual(unpackVector(packed, held, B), plain);
    assert.equal(packed.filter((value) => value !== 0).length, plain.filter((value) => value !== 0).length);
  });
}

/** A convolution without bias (or with one) and how it slides. */
interface ConvCase {
  readonly to: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly group?: number;
  readonly bias?: boolean;
}

function conv(net: NetworkWriter, x: Value, { to, kernel, stride = 1, group = 1, bias = false }: ConvCase): Value {
  const from = Number(x.type.shape[1]);
  const name = `w${net.g.finish().nodes.length}`;
  const initial = { kind: "normal", deviation: Math.sqrt(2 / ((from / group) * kernel * kernel)) } as const;
  const w = net.parameter(name, [to, from / group, kernel, kernel], { initial });
  const b = bias ? [net.parameter(`${name}_bias`, [to], { initial: { kind: "normal", deviation: 0.1 } })] : [];
  const pad = (kernel - 1) / 2;
  return net.g.node("Conv", [x, w, ...b], {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([stride, stride]),
    pads: ints([pad, pad, pad, pad]),
    group: int(group),
  });
}

function norm(net: NetworkWriter, x: Value): Value {
  const channels = Number(x.type.shape[1]);
  const name = `n${net.g.finish().nodes.length}`;
  const scale = net.parameter(`${name}_scale`, [channels], { initial: { kind: "normal", deviation: 1 } });
  const shift = net.parameter(`${name}_shift`, [channels], { initial: { kind: "normal", deviation: 0.3 } });
  const mean = net.buffer(`${name}_mean`, channels, 0);
  const variance = net.buffer(`${name}_variance`, channels, 1);
  return net.g.node("BatchNormalization", [x, scale, shift, mean, variance], { epsilon: float(1e-5) });
}

const relu = (net: NetworkWriter, x: Value) => net.g.node("Relu", [x]);
const unit = (net: NetworkWriter, x: Value, how: ConvCase) => relu(net, norm(net, conv(net, x, how)));
const maxPool = (net: NetworkWriter, x: Value, kernel: number) =>
  net.g.node("MaxPool", [x], {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([2, 2]),
    pads: ints([kernel - 2, kernel - 2, 0, 0].map((pad, side) => (kernel === 3 && side > 1 ? 1 : pad))),
  });
/** Values of which many are equal, as the air around a head is. */
const clipped = (net: NetworkWriter, x: Value) => net.g.node("Clip", [x, net.g.scalar(-0.2), net.g.scalar(0.2)]);

/** Small networks, each with forms of its own: what stands between the image and the mean over the plane. */
const forms: Readonly<
  Record<string, { readonly size: number; readonly write: (net: NetworkWriter, x: Value) => Value }>
> = {
  "a stem of 7×7 on the image, with stride 2": {
    size: 32,
    write: (net, x) => unit(net, x, { to: 16, kernel: 7, stride: 2 }),
  },
  "a stem of 3×3 on the image": { size: 16, write: (net, x) => unit(net, x, { to: 20, kernel: 3 }) },
  "a stem on an image of no whole blocks": {
    size: 24,
    write: (net, x) => unit(net, x, { to: 16, kernel: 5, stride: 2 }),
  },
  "a stem of 1×1 with stride 2": { size: 32, write: (net, x) => unit(net, x, { to: 16, kernel: 1, stride: 2 }) },
  "convolutions of 3×3, 5×5 and 7×7": {
    size: 16,
    write: (net, x) =>
      [3, 5, 7].reduce((y, kernel) => unit(net, y, { to: 32, kernel }), unit(net, x, { to: 16, kernel: 3 })),
  },
  "convolutions of stride 2 down to small planes": {
    size: 64,
    write: (net, x) =>
      [16, 32, 48, 64].reduce(
        (y, to) => unit(net, y, { to, kernel: 3, stride: 2 }),
        unit(net, x, { to: 16, kernel: 3 }),
      ),
  },
  "convolutions of 1×1, with and without stride, bias and norm": {
    size: 16,
    write: (net, x) => {
      const y = unit(net, x, { to: 16, kernel: 3 });
      const z = relu(net, conv(net, y, { to: 24, kernel: 1, bias: true }));
      return unit(net, z, { to: 32, kernel: 1, stride: 2 });
    },
  },
  "depthwise convolutions of 3×3 and 7×7": {
    size: 16,
    write: (net, x) =>
      [3, 7].reduce((y, kernel) => unit(net, y, { to: 24, kernel, group: 24 }), unit(net, x, { to: 24, kernel: 3 })),
  },
  "depthwise convolutions of stride 2, and a convolution of 1×1 behind them": {
    size: 32,
    write: (net, x) =>
      [3, 5].reduce(
        (y, kernel) => unit(net, unit(net, y, { to: 24, kernel, stride: 2, group: 24 }), { to: 24, kernel: 1 }),
        unit(net, x, { to: 24, kernel: 3 }),
      ),
  },
  "residual blocks with an identity and with a projection": {
    size: 32,
    write: (net, x) => {
      let y = unit(net, x, { to: 16, kernel: 3 });
      for (const [to, stride] of [
        [16, 1],
        [32, 2],
        [32, 1],
      ] as const) {
        const inner = unit(net, y, { to, kernel: 3, stride });
        const shortcut = stride === 1 ? y : norm(net, conv(net, y, { to, kernel: 1, stride }));
        y = relu(net, net.g.node("Add", [norm(net, conv(net, inner, { to, kernel: 3 })), shortcut]));
      }
      return y;
    },
  },
  "a residual block of many channels, whose convolutions go by Winograd's products": {
    size: 16,
    write: (net, x) => {
      const y = unit(net, x, { to: 128, kernel: 3 });
      const z = norm(net, conv(net, unit(net, y, { to: 120, kernel: 3 }), { to: 128, kernel: 3 }));
      return relu(net, net.g.node("Add", [z, y]));
    },
  },
  "sums without a ReLU behind them": {
    size: 16,
    write: (net, x) => {
      const y = unit(net, x, { to: 16, kernel: 3 });
      const z = net.g.node("Add", [norm(net, conv(net, y, { to: 16, kernel: 3 })), y]);
      return net.g.node("Add", [conv(net, z, { to: 16, kernel: 1 }), conv(net, z, { to: 16, kernel: 3 })]);
    },
  },
  "maxima over 3×3 behind a ReLU": {
    size: 32,
    write: (net, x) => unit(net, maxPool(net, unit(net, x, { to: 16, kernel: 3 }), 3), { to: 16, kernel: 3 }),
  },
  "maxima over 3×3 of values of which many are equal": {
    size: 32,
    write: (net, x) =>
      conv(net, maxPool(net, clipped(net, conv(net, x, { to: 16, kernel: 3 })), 3), { to: 16, kernel: 1 }),
  },
  "maxima over 2×2 of values of which many are equal": {
    size: 32,
    write: (net, x) =>
      conv(net, maxPool(net, clipped(net, conv(net, x, { to: 16, kernel: 3 })), 2), { to: 16, kernel: 1 }),
  },
  "maxima of which the last windows reach beyond the image": {
    size: 32,
    write: (net, x) => {
      const how = { kernel_shape: ints([3, 3]), strides: ints([2, 2]), ceil_mode: int(1) };
      const y = net.g.node("MaxPool", [unit(net, x, { to: 16, kernel: 3 })], how);
      return unit(net, y, { to: 16, kernel: 3 });
    },
  },
  "operators that work number by number, with and without padding": {
    size: 16,
    write: (net, x) => {
      const { g } = net;
      const y = norm(net, conv(net, x, { to: 16, kernel: 3 }));
      const gated = g.node("Mul", [g.node("Sigmoid", [y]), g.node("Tanh", [y])]);
      const z = norm(net, conv(net, g.node("Sub", [gated, g.scalar(0.5)]), { to: 20, kernel: 1 }));
      return conv(net, g.node("Mul", [g.node("HardSwish", [z]), g.node("Exp", [g.node("Neg", [z])])]), {
        to: 16,
        kernel: 1,
      });
    },
  },
  "operators without a blocked form in between": {
    size: 16,
    write: (net, x) => {
      const y = net.g.node("Sigmoid", [norm(net, conv(net, x, { to: 20, kernel: 3 }))]);
      return unit(net, y, { to: 16, kernel: 3 });
    },
  },
};

const images = 4;

function networkOf(name: string): { readonly network: Network; readonly size: number } {
  const { size, write } = forms[name]!;
  const net = writeNetwork(buildGraph("forms"));
  const x = net.g.input("image", { element: "float32", shape: [images, 3, size, size] });
  const y = net.g.node("Flatten", [net.g.node("GlobalAveragePool", [write(net, x)])]);
  const initial = { kind: "normal", deviation: 0.3 } as const;
  const w = net.parameter("head", [6, Number(y.type.shape[1])], { initial });
  net.g.output(net.g.node("Gemm", [y, w], { transB: int(1) }), "slice_logits");
  return { network: net.finish(), size };
}

/** The loss and the state after two steps large enough that every gradient shows. */
async function twoSteps(
  program: Program,
  network: Network,
  { size, form }: { size: number; form: "portable" | "fastest" },
) {
  const initial = initialVectors(program, network, initialise(network, 7));
  const session = must(await openTrainingSession(program, initial, { threads: 1, form }));
  const feeds = {
    image: numbers(images * 3 * size * size, 1),
    labels: numbers(images * 6, 2).map((x) => (x > 0.4 ? 1 : 0)),
  };
  const losses: number[] = [];
  for (let step = 1; step <= 2; step++)
    losses.push((await session.step({ ...feeds, ...optimiserScalars(sgd, { step, rate: 0.05, decay: 0.01 }) })).loss);
  const state = await session.read();
  await session.close();
  return { losses, moved: state["moment1"]!, buffers: state["buffers"] ?? new Float32Array(0) };
}

const sgd = { kind: "sgd", momentum: 0.9 } as const;

for (const name of Object.keys(forms)) {
  test(`${name}: gradients and statistics are the same blocked and portable`, { skip }, async () => {
    const { network, size } = networkOf(name);
    const program = trainingProgram(network, { optimiser: sgd, lossWeights });
    const portable = await twoSteps(program, network, { size, form: "portable" });
    const fastest = await twoSteps(program, network, { size, form: "fastest" });
    assert.ok(distance(fastest.losses, portable.losses) < tolerance);
    for (const { name: parameter, shape, offset } of program.slots) {
      const end = offset + shape.reduce((a, b) => a * b, 1);
      const [mine, wanted] = [fastest.moved.subarray(offset, end), portable.moved.subarray(offset, end)];
      assert.ok(distance(mine, wanted) < 50 * tolerance, `${parameter} [${shape}]: ${distance(mine, wanted)}`);
    }
    if (portable.buffers.length > 0) assert.ok(distance(fastest.buffers, portable.buffers) < tolerance);
  });
}

test("the forms that are said to be blocked are: no plain convolution is left but where it must be", { skip }, () => {
  const plain = (name: string) => {
    const program = trainingProgram(networkOf(name).network, { optimiser: sgd, lossWeights });
    const { graph } = lowerProgram(program, block!).model;
    return graph.nodes.filter(({ domain, op }) => domain !== "com.microsoft.nchwc" && /Conv|MaxPool/.test(op)).length;
  };
  const left = Object.keys(forms).filter((name) => plain(name) > 0);
  assert.deepEqual(left, [
    "a stem on an image of no whole blocks",
    "a stem of 1×1 with stride 2", // its weight gradient
    "maxima of which the last windows reach beyond the image", // their gradient
  ]);
});

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
