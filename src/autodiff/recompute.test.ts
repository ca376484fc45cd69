import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
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

/** By how many MB the resident memory of a process rises that takes three steps. */
function residentRise(segments: number | undefined): number {
  const roomUrl = (room: string) => JSON.stringify(new URL(`../${room}`, import.meta.url).href);
  const code = `
    const [{ initialVectors, optimiserScalars, trainingProgram }, { models }, { initialise }, { openTrainingSession }, { readFileSync }] =
      await Promise.all([import(${roomUrl("autodiff/index.ts")}), import(${roomUrl("models/index.ts")}),
        import(${roomUrl("onnx/index.ts")}), import(${roomUrl("runtime/index.ts")}), import("node:fs")]);
    const megabytes = (field) => Number(new RegExp(field + ":\\\\s+(\\\\d+)").exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
    const optimiser = { kind: "sgd", momentum: 0 };
    const network = models.cnn.build({ size: 128, neighbours: 3, width: 16 }, 32);
    const program = trainingProgram(network, { optimiser, lossWeights: [1, 1, 1, 1, 1, 2], segments: ${segments} });
    const initial = initialVectors(program, network, initialise(network, 7));
    const { value: session } = await openTrainingSession(program, initial, { threads: 1, form: "portable" });
    const feeds = { hu: new Float32Array(32 * 3 * 128 * 128), labels: new Float32Array(32 * 6) };
    const before = megabytes("VmRSS");
    for (let step = 1; step <= 3; step++)
      await session.step({ ...feeds, ...optimiserScalars(optimiser, { step, rate: 0.01, decay: 0 }) });
    console.log(megabytes("VmHWM") - before);`;
  const run = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return Number(run.stdout);
}

test("a process that computes segments again stays smaller", { skip: !existsSync("/proc/self/status") }, () => {
  // Measured: 189 MB, in the written order 141, in three segments 98.
  const [whole, segmented] = [residentRise(undefined), residentRise(3)];
  assert.ok(segmented < 0.75 * whole, `${segmented} MB instead of ${whole}`);
});

test("fewer values are held at once, for more work", () => {
  // Slices so large that activations outweigh the optimiser's vectors.
  const large = models.cnn.build({ size: 256, neighbours: 3, width: 16 }, 16);
  const graphOf = (segments: object) => trainingProgram(large, { optimiser, lossWeights, ...segments }).model.graph;
  const [all, segmented] = [graphOf({}), graphOf({ segments: 3 })];
  const convolutions = (nodes: typeof all.nodes) => nodes.filter(({ op }) => op === "Conv").length;
  assert.ok(peakBytes(segmented) < 0.65 * peakBytes(all), `${peakBytes(segmented)} of ${peakBytes(all)}`);
  assert.ok(convolutions(segmented.nodes) > convolutions(all.nodes));
});
