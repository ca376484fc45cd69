// Networks from PyTorch's ONNX exporter: the same outputs, and fine-tuned with the same losses as in PyTorch.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { initialVectors, type Optimiser, optimiserScalars, trainingProgram } from "../src/autodiff/index.ts";
import { must } from "../src/base/index.ts";
import { encodeModel, initialise, networkFromModel, readModel, replaceHead, type Slot } from "../src/onnx/index.ts";
import { openExecutor, openTrainingSession } from "../src/runtime/index.ts";
import { distance } from "./graphs.ts";
import { askOracle, without } from "./python.ts";

const skip = without("python3-torch", "torch");

const steps = 20;
const names = ["resnet", "efficientnet", "convnext", "vit", "unet", "recurrent"] as const;
const optimisers: Readonly<
  Record<"sgd" | "adamw", { readonly how: Optimiser; readonly rate: number; readonly decay: number }>
> = {
  sgd: { how: { kind: "sgd", momentum: 0.9 }, rate: 0.05, decay: 0 },
  adamw: { how: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, rate: 1e-3, decay: 0.01 },
};

interface Trained {
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly state: Readonly<Record<string, readonly number[]>>;
}
interface Told {
  readonly shape: readonly number[];
  readonly image: readonly number[];
  readonly labels: readonly number[];
  readonly logits: readonly number[];
  readonly sgd: Trained;
  readonly adamw: Trained;
}

const partOf = (vector: Float32Array, { shape, offset }: Slot) =>
  vector.subarray(offset, offset + shape.reduce((product, length) => product * length, 1));

/** Relative distance of gradients; what a norm behind it makes zero is rounding alone, on both sides. */
const apart = (mine: Float32Array, torch: readonly number[]) =>
  distance(mine, torch) * Math.min(1, Math.hypot(...torch) / 1e-5);

for (const opset of [13, 17]) {
  describe(`exported by PyTorch in opset ${opset}`, { skip }, () => {
    const folder = mkdtempSync(join(tmpdir(), "ichor-imported-"));
    before(() => {
      askOracle("torch_networks.py", [folder, String(opset), String(steps)]);
    });
    after(() => rmSync(folder, { recursive: true }));
    const told = (name: string): Told => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
    const read = (file: string, batch = 4) =>
      must(readModel(readFileSync(join(folder, `${file}.onnx`)), file, { lengths: { batch } }));

    for (const name of names) {
      for (const file of [name, `${name}.fused`]) {
        test(`${file} gives PyTorch's logits`, async () => {
          const { image, shape, logits } = told(name);
          const executor = must(await openExecutor(encodeModel(read(file)), { threads: 1 }));
          const answer = await executor.run({ image: { data: Float32Array.from(image), shape } });
          await executor.close();
          assert.ok(distance(Float32Array.from(logits), Object.values(answer)[0]?.data as Float32Array) < 1e-5);
        });
      }

      for (const kind of ["sgd", "adamw"] as const) {
        test(`${name} is fine-tuned for ${steps} steps of ${kind} as in PyTorch, in both forms`, async () => {
          const { how, rate, decay } = optimisers[kind];
          const { image, labels, [kind]: torch } = told(name);
          const network = networkFromModel(read(name));
          const program = trainingProgram(network, { optimiser: how, lossWeights: Array.from({ length: 6 }, () => 1) });
          const initial = initialVectors(program, network, initialise(network, 1));
          // PyTorch's optimisers decay every parameter, biases too.
          const start = { ...initial, decayed: initial["decayed"]!.map(() => 1) };
          for (const form of ["portable", "fastest"] as const) {
            const session = must(await openTrainingSession(program, start, { threads: 1, form }));
            const losses: number[] = [];
            for (let step = 1; step <= steps; step++) {
              const scalars = optimiserScalars(how, { step, rate, decay });
              const feeds = { image: Float32Array.from(image), labels: Float32Array.from(labels), ...scalars };
              losses.push((await session.step(feeds)).loss);
              if (step === 1 && kind === "sgd") {
                const gradient = (await session.read())["moment1"]!;
                const errors = program.slots
                  .filter((slot) => torch.gradients[slot.name] !== undefined)
                  .map((slot) => apart(partOf(gradient, slot), torch.gradients[slot.name]!));
                assert.ok(errors.length > 4, "the weights keep PyTorch's names");
                assert.equal(errors.length, program.slots.length, "nothing else is trained");
                assert.ok(Math.max(...errors) < 2e-3, `${form}: gradients differ by ${Math.max(...errors)}`);
              }
            }
            const state = await session.read();
            await session.close();
            assert.ok(losses[steps - 1]! < losses[0]!, "the loss falls");
            assert.ok(distance(losses, torch.losses) < 2e-3, `${form}: ${losses} and ${torch.losses}`);
            for (const slot of program.buffers) {
              const wanted = torch.state[slot.name];
              assert.ok(wanted !== undefined && distance(partOf(state["buffers"]!, slot), wanted) < 5e-3, slot.name);
            }
          }
        });
      }

      test(`${name} learns with another head`, async () => {
        const { image } = told(name);
        const network = replaceHead(networkFromModel(read(name)), { outputs: 3 });
        const { how, rate } = optimisers.adamw;
        const program = trainingProgram(network, { optimiser: how, lossWeights: [1, 1, 1] });
        assert.equal(network.parameters.at(-2)?.shape.at(0), 3);
        assert.equal(
          network.parameters.some((parameter) => parameter.name.startsWith("head.") && parameter.shape[0] === 6),
          false,
        );
        const session = must(
          await openTrainingSession(program, initialVectors(program, network, initialise(network, 1)), { threads: 1 }),
        );
        const labels = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0);
        const losses: number[] = [];
        for (let step = 1; step <= 5; step++) {
          const scalars = optimiserScalars(how, { step, rate, decay: 0 });
          losses.push((await session.step({ image: Float32Array.from(image), labels, ...scalars })).loss);
        }
        await session.close();
        assert.ok(losses[4]! < losses[0]!);
      });
    }
  });
}
