import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { must, random } from "../base/index.ts";
import { labelCount, labels } from "../labels/index.ts";
import { detectorFromBytes, type ModelName } from "../models/index.ts";
import { openTrainingSession } from "../runtime/index.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { defaultConfig, type TrainingConfig } from "./config.ts";
import { buildEngine, type Engine, evenOperatingPoints } from "./engine.ts";

const batchSize = 4;
const steps = 8;

function smallConfig(model: ModelName): TrainingConfig {
  const config = defaultConfig(model);
  const width = config.width === undefined ? {} : { width: 4 };
  return { ...config, ...width, preprocessing: { ...config.preprocessing, size: 32 }, optimiser: "adamw" };
}

function smallEngine(config: TrainingConfig): Engine {
  const pixels = config.preprocessing.size ** 2;
  const standardisation = { mean: new Float32Array(pixels).fill(20), deviation: new Float32Array(pixels).fill(30) };
  return buildEngine({ config, batchSize, standardisation: config.model === "cnn" ? undefined : standardisation });
}

/** The batch of a step, by the step alone. */
function batchOf({ neighbours, preprocessing }: TrainingConfig, step: number) {
  const source = random(8, "batch", step);
  const hu = Float32Array.from({ length: batchSize * neighbours * preprocessing.size ** 2 }, () => source.integer(100));
  const wanted = Float32Array.from({ length: batchSize * labelCount }, () => source.integer(2));
  return { hu, labels: wanted };
}

const facts = {
  operatingPoints: evenOperatingPoints,
  headline: {},
  training: { data: "d", split: "s", patients: 1, slices: 4, licence: "none" },
};

for (const model of ["mlp2020-brain", "cnn"] as const) {
  test(`${model}: a session opened from a checkpoint file goes on bit for bit, its averages too`, async () => {
    const config = { ...smallConfig(model), clipNorm: 0.5, averageDecay: 0.9 };
    const folder = mkdtempSync(join(tmpdir(), "ichor-engine-"));
    try {
      const engine = smallEngine(config);
      const whole = must(await openTrainingSession(engine.program, engine.initial, { threads: 1 }));
      const halfway = join(folder, "last.safetensors");
      for (let step = 0; step < steps; step++) {
        if (step === steps / 2) {
          const position = { version: 1, fingerprint: "f", epoch: 1, step, steps: step } as const;
          const sums = { lossSum: 0, seconds: 0, metricsBytes: 0 };
          const checkpoint = { position: { ...position, ...sums }, state: await whole.read(), best: undefined };
          must(writeCheckpoint(halfway, checkpoint, engine.program));
        }
        await whole.step({ ...batchOf(config, step), ...engine.feeds(step, steps) });
      }
      const other = smallEngine(config);
      const { state } = must(readCheckpoint(halfway, other.program));
      const resumed = must(await openTrainingSession(other.program, other.restore(state), { threads: 1 }));
      for (let step = steps / 2; step < steps; step++) {
        await resumed.step({ ...batchOf(config, step), ...other.feeds(step, steps) });
      }
      const end = await whole.read();
      assert.deepEqual(await resumed.read(), end);
      assert.notDeepEqual(end["average"], end["parameters"]);
      await whole.close();
      await resumed.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test(`${model}: equal state gives equal detector bytes, which open and score`, async () => {
    const config = smallConfig(model);
    const [one, other] = [smallEngine(config), smallEngine(config)];
    const stateOf = ({ initial }: Engine) => {
      return { parameters: initial["parameters"]!, buffers: initial["buffers"] ?? new Float32Array() };
    };
    const bytes = one.detector(stateOf(one), facts);
    assert.deepEqual(other.detector(stateOf(other), facts), bytes);
    const detector = must(await detectorFromBytes(bytes, { threads: 1 }));
    assert.deepEqual(detector.info.labels, labels);
    const { sliceLogits } = await detector.score(batchOf(config, 0).hu, batchSize);
    assert.equal(sliceLogits.length, batchSize * labelCount);
    await detector.close();
  });
}

test("dropout masks come from seed and step alone", () => {
  const config = smallConfig("mlp2020");
  const [one, other] = [smallEngine(config), smallEngine(config)];
  const names = Object.keys(one.feeds(3, steps)).filter((name) => name.endsWith("_uniform"));
  assert.equal(names.length, 2);
  for (const name of names) {
    assert.deepEqual(one.feeds(3, steps)[name], other.feeds(3, steps)[name]);
    assert.notDeepEqual(one.feeds(3, steps)[name], one.feeds(4, steps)[name]);
  }
});
