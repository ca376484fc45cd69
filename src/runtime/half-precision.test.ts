import assert from "node:assert/strict";
import { test } from "node:test";
import { numbers } from "../../test/graphs.ts";
import { initialVectors, nextLossScale, optimiserScalars, trainingProgram } from "../autodiff/index.ts";
import { must } from "../base/index.ts";
import { lossWeights } from "../labels/index.ts";
import { models } from "../models/index.ts";
import { initialise } from "../onnx/index.ts";
import { openTrainingSession } from "./training-session.ts";

const [batch, size, steps] = [4, 32, 20];
const optimiser = { kind: "sgd", momentum: 0.9 } as const;
const network = models.cnn.build({ size, neighbours: 3, width: 8 }, batch);
const program = trainingProgram(network, { optimiser, lossWeights, lossScale: true });

async function train(precision: "float32" | "float16", start: number, provider: string) {
  const initial = initialVectors(program, network, initialise(network, 7));
  const session = must(await openTrainingSession(program, initial, { threads: 1, precision, provider }));
  const [losses, scales]: [number[], number[]] = [[], []];
  let scale = { scale: start, since: 0 };
  for (let step = 1; step <= steps; step++) {
    const feeds = {
      hu: numbers(batch * 3 * size * size, step).map((x) => 40 + 60 * x),
      labels: numbers(batch * 6, 2).map((x) => (x > 0.4 ? 1 : 0)),
      loss_scale: Float32Array.of(scale.scale),
      ...optimiserScalars(optimiser, { step, rate: 0.01, decay: 0 }),
    };
    const { loss, finite } = await session.step(feeds);
    losses.push(loss);
    scales.push(scale.scale);
    scale = nextLossScale(scale, finite);
  }
  const state = await session.read();
  await session.close();
  return { losses, scales, state };
}

for (const provider of ["cpu", "wasm"])
  test(`in half precision losses are those of single precision to a hundredth (${provider})`, async () => {
    const [half, single] = [await train("float16", 1024, provider), await train("float32", 1024, provider)];
    half.losses.forEach((loss, step) => {
      // float16 has 11 bits: 5e-4 a product, and twenty steps add up.
      assert.ok(Math.abs(loss - single.losses[step]!) < 1e-2 * single.losses[step]!, `step ${step}: ${loss}`);
    });
    assert.notDeepEqual(half.losses, single.losses);
    assert.ok(half.scales.every((scale) => scale === 1024));
  });

test("a gradient that overflows half precision skips the step, and the scale halves until it fits", async () => {
  const { scales, losses, state } = await train("float16", 2 ** 24, "cpu");
  assert.equal(scales[1], 2 ** 23);
  assert.ok(scales.at(-1)! < 2 ** 23 && scales.at(-1) === scales.at(-2), `${scales}`);
  assert.equal(losses.every(Number.isFinite), true);
  assert.ok(Object.values(state).every((vector) => vector.every(Number.isFinite)));
});
