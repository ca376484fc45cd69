// The training engine beside PyTorch (Debian's python3-torch): gradients, 20 steps of AdamW, running statistics.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { initialVectors, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must } from "../src/base/index.ts";
import { lossWeights } from "../src/labels/index.ts";
import { initialise, models } from "../src/models/index.ts";
import { openTrainingSession } from "../src/runtime/index.ts";
import { distance, numbers } from "./graphs.ts";
import { askOracle, without } from "./python.ts";

const skip = without("python3-torch", "torch");

/**
 * float32 against float64: 5e-6 where no ReLU gate flips on a value within rounding of zero; one flipped gate among
 * these few thousand moves a gradient by up to some 1e-3.
 */
const gradientTolerance = 5e-3;
const lossTolerance = 2e-3;

const settings = { batch: 4, size: 64, neighbours: 3, width: 16, threads: 2, steps: 20, rate: 1e-3, decay: 0.01 };
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

for (const form of ["portable", "fastest"] as const) {
  test(`the ${form} form has PyTorch's gradients, losses of 20 steps and running statistics`, { skip }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "ichor-torch-"));
    const network = models.cnn.build(settings, settings.batch);
    const start = initialise(network, 11);
    const hu = numbers(settings.batch * settings.neighbours * settings.size ** 2, 5).map((x) => 30 + 70 * x);
    const labels = numbers(settings.batch * 6, 6).map((x) => (x > 0.4 ? 1 : 0));
    for (const [name, data] of Object.entries({ parameters: start.parameters, hu, labels }))
      writeFileSync(join(folder, `${name}.f32`), data);
    askOracle("torch_cnn.py", ["train", JSON.stringify({ ...settings, folder })]);
    const torch = (name: string) => new Float64Array(new Uint8Array(readFileSync(join(folder, `${name}.f64`))).buffer);

    const plain = { kind: "sgd", momentum: 0 } as const;
    const gradientProgram = trainingProgram(network, { optimiser: plain, lossWeights });
    const once = must(
      await openTrainingSession(gradientProgram, initialVectors(gradientProgram, network, start), { threads: 2, form }),
    );
    await once.step({ hu, labels, ...optimiserScalars(plain, { step: 1, rate: 0, decay: 0 }) });
    const gradient = (await once.read())["moment1"]!; // m' = 0·m + g
    await once.close();
    const wanted = torch("gradient");
    for (const { name, shape, offset } of gradientProgram.slots) {
      const end = offset + shape.reduce((product, length) => product * length, 1);
      const apart = distance(gradient.subarray(offset, end), wanted.subarray(offset, end));
      assert.ok(apart < gradientTolerance, `${name}: ${apart}`);
    }

    const program = trainingProgram(network, { optimiser, lossWeights });
    const session = must(
      await openTrainingSession(program, initialVectors(program, network, start), { threads: 2, form }),
    );
    const losses: number[] = [];
    for (let step = 1; step <= settings.steps; step++) {
      losses.push(
        (
          await session.step({
            hu,
            labels,
            ...optimiserScalars(optimiser, { step, rate: settings.rate, decay: settings.decay }),
          })
        ).loss,
      );
    }
    assert.ok(distance(losses, torch("losses")) < lossTolerance, `losses ${losses} against ${torch("losses")}`);
    const apart = distance((await session.read())["buffers"]!, torch("buffers"));
    assert.ok(apart < lossTolerance, `running statistics: ${apart}`);
    await session.close();
    rmSync(folder, { recursive: true });
  });
}
