import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, floats, randomArray, runGraph } from "../../../test/graphs.ts";
import { shaped, sizeOf } from "../../base/index.ts";
import { toBlocked, toPlain } from "./operators.ts";
import { probeBlock } from "./probe.ts";
import { winogradConv, winogradPays, winogradWeightGrad } from "./winograd.ts";

const block = await probeBlock();
const skip = block === undefined ? "this processor has no blocked operators" : false;

/** Sums of 144 products in float32; the transforms lose less than twice what the sums do. */
const tolerance = 1e-6;

const [n, inputs, outputs] = [2, 16, 32];

/** The sum as it is defined, in float64. */
function naive(x: Float32Array, w: Float32Array, [height, width]: readonly [number, number]): number[] {
  const at = (sample: number, channel: number, row: number, column: number) =>
    row < 0 || column < 0 || row >= height || column >= width
      ? 0
      : x[((sample * inputs + channel) * height + row) * width + column]!;
  return Array.from({ length: n * outputs * height * width }, (_, index) => {
    const [column, row] = [index % width, Math.floor(index / width) % height];
    const output = Math.floor(index / (width * height)) % outputs;
    const sample = Math.floor(index / (width * height * outputs));
    let sum = 0;
    for (let channel = 0; channel < inputs; channel++)
      for (let tap = 0; tap < 9; tap++)
        sum +=
          w[(output * inputs + channel) * 9 + tap]! *
          at(sample, channel, row + Math.floor(tap / 3) - 1, column + (tap % 3) - 1);
    return sum;
  });
}

/** [O, I, 3, 3] → [9, O/B, I/B, B of I, B of O] */
function byTap(w: Float32Array, B: number): Float32Array {
  const blocks = inputs / B;
  const laid = new Float32Array(w.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let tap = 0; tap < 9; tap++) {
        const pair = (tap * (outputs / B) + Math.floor(o / B)) * blocks + Math.floor(i / B);
        laid[(pair * B + (i % B)) * B + (o % B)] = w[(o * inputs + i) * 9 + tap]!;
      }
  return laid;
}

for (const plane of [
  [4, 4],
  [8, 12],
  [6, 9], // the last tiles reach beyond the plane
  [1, 3],
] as const) {
  test(`a plane of ${plane.join(" × ")} gives the sums of the definition, with bias, sum and ReLU`, {
    skip,
  }, async () => {
    const x = randomArray([n, inputs, ...plane], 1);
    const w = randomArray([outputs, inputs, 3, 3], 2);
    const bias = randomArray([outputs], 3);
    const sum = randomArray([n, outputs, ...plane], 4);
    const filter = shaped(byTap(w.data, block!), [9, outputs * inputs]);
    const answer = await runGraph({ x, filter, bias, sum }, (g, values) => {
      const [from, taps] = [toBlocked(g, values["x"]!, block!), { byTap: values["filter"]!, outputs }];
      const more = {
        bias: values["bias"],
        sum: toBlocked(g, values["sum"]!, block!),
        activation: { kind: "Relu" } as const,
      };
      return {
        bare: toPlain(g, winogradConv(g, from, taps, { block: block! }), outputs),
        more: toPlain(g, winogradConv(g, from, taps, { block: block!, ...more }), outputs),
      };
    });
    const wanted = naive(x.data, w.data, plane);
    const channel = (index: number) => Math.floor(index / sizeOf(plane)) % outputs;
    const finished = wanted.map((y, index) => Math.max(0, y + bias.data[channel(index)]! + sum.data[index]!));
    assert.ok(distance(floats(answer["bare"]), wanted) < tolerance);
    assert.ok(distance(floats(answer["more"]), finished) < tolerance);
  });
}

test("a weight gradient is the sum over batch and plane, also of a plane that tiles reach beyond", {
  skip,
}, async () => {
  const [images, height, width] = [8, 6, 5]; // 2 × 2 tiles each
  const x = randomArray([images, inputs, height, width], 1);
  const dy = randomArray([images, outputs, height, width], 2);
  const answer = await runGraph({ x, dy }, (g, values) => {
    const operands = { x: toBlocked(g, values["x"]!, block!), dy: toBlocked(g, values["dy"]!, block!) };
    return { dw: winogradWeightGrad(g, operands, block!) };
  });
  const at = (values: Float32Array, plane: number, [row, column]: readonly [number, number]) =>
    row < 0 || column < 0 || row >= height || column >= width ? 0 : values[(plane * height + row) * width + column]!;
  const wanted = new Float32Array(outputs * inputs * 9).map((_, index) => {
    const [tap, i, o] = [index % 9, Math.floor(index / 9) % inputs, Math.floor(index / (9 * inputs))];
    let sum = 0;
    for (let image = 0; image < images; image++)
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++)
          sum +=
            at(dy.data, image * outputs + o, [row, column]) *
            at(x.data, image * inputs + i, [row + Math.floor(tap / 3) - 1, column + (tap % 3) - 1]);
    return sum;
  });
  assert.ok(distance(floats(answer["dw"]), byTap(wanted, block!)) < tolerance);
});

test("it is taken for many channels, and left where transforms or filters would cost more than is saved", () => {
  assert.ok(winogradPays([16, 128, 16, 16], 128));
  assert.ok(winogradPays([16, 512, 4, 4], 512));
  assert.ok(!winogradPays([16, 512, 4, 4], 512, "weight gradient"));
  assert.ok(!winogradPays([16, 32, 64, 64], 32)); // few channels: the transforms
  assert.ok(!winogradPays([1, 512, 4, 4], 512)); // few places: the filter's transform
  assert.ok(!winogradPays([16, 256, 1, 1], 256)); // a tile for one place
});
