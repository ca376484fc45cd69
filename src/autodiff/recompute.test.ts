import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, numbers } from "../../test/graphs.ts";
import { must } from "../base/index.ts";
import { lossWeights } from "../labels/index.ts";
import { models } from "../models/index.ts";
import { initialise } from "../onnx/index.ts";
import { openTrainingSession } from "../runtime/index.ts";
import { optimiserScalars } from "./optimisers.ts";
import { peakBytes } from "./recompute.ts";
import { initialVectors, trainingProgram } from "./training-program.ts";

const [batch, size] = [4, 64];
const optimiser = { kind: "sgd", momentum: 0.9 } as const;
const network = models.cnn.build({ size, neighbours: 3, width: 16 }, batch);
const program = (segments?: number) =>
  trainingProgram(network, { optimiser, lossWeights, ...(segments === undefined ? {} : { segments }) });

async function train(segments: number | undefined, form: "portable" | "fastest") {
  const step = program(segments);
  const session = must(
    await openTrainingSession(step, initialVectors(step, network, initialise(network, 7)), { threads: 1, form }),
  );
  const losses: number[] = [];
  for (let taken = 1; taken <= 4; taken++) {
    const feeds = {
      hu: numbers(batch * 3 * size * size, taken).map((x) => 40 + 60 * x),
      labels: numbers(batch * 6, 2).map((x) => (x > 0.4 ? 1 : 0)),
    };
    losses.push(
      (await session.step({ ...feeds, ...optimiserScalars(optimiser, { step: taken, rate: 0.01, decay: 0 }) })).loss,
    );
  }
  const state = await session.read();
  await session.close();
  return { losses, state };
}

for (const form of ["portable", "fastest"] as const) {
  test(`a forward pass that is computed again in segments trains the same (${form})`, async () => {
    const once = await train(undefined, form);
    for (const segments of [2, 4]) {
      const twice = await train(segments, form);
      assert.ok(distance(twice.losses, once.losses) < 1e-5);
      assert.ok(distance(twice.state["parameters"]!, once.state["parameters"]!) < 1e-4);
      assert.ok(distance(twice.state["buffers"]!, once.state["buffers"]!) < 1e-5);
    }
  });
}

test("fewer values are held at once, for more work", () => {
  // Slices so large that activations outweigh the optimiser's vectors.
  const large = models.cnn.build({ size: 256, neighbours: 3, width: 16 }, 16);
  const graphOf = (segments: object) => trainingProgram(large, { optimiser, lossWeights, ...segments }).model.graph;
  const [all, segmented] = [graphOf({}), graphOf({ segments: 3 })];
  const convolutions = (nodes: typeof all.nodes) => nodes.filter(({ op }) => op === "Conv").length;
  assert.ok(peakBytes(segmented) < 0.65 * peakBytes(all), `${peakBytes(segmented)} of ${peakBytes(all)}`);
  assert.ok(convolutions(segmented.nodes) > convolutions(all.nodes));
});
