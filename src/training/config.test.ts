import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { must, type Result } from "../base/index.ts";
import { models } from "../models/index.ts";
import { configDifferences, defaultConfig, standardAugmentation } from "./config.ts";
import { strayPattern } from "./name-patterns.ts";
import { resolveConfig } from "./resolve-config.ts";

function problemOf(result: Result<unknown>) {
  assert.equal(result.kind, "problem");
  return result.kind === "problem" ? result.problem : assert.fail();
}

test("every model has a complete configuration of its own", () => {
  // An imported one has none without its file: src/training/imported.test.ts.
  for (const model of Object.keys(models).filter((name) => name !== "imported")) {
    const config = must(resolveConfig({ model }));
    assert.equal(config.model, model);
    assert.deepEqual(must(resolveConfig({ sets: [`model=${model}`] })), config);
  }
  assert.equal(must(resolveConfig({})).model, "cnn");
});

test("the file wins over the model, a setting over the file, a later setting over an earlier one", () => {
  const folder = mkdtempSync(join(tmpdir(), "ichor-config-"));
  try {
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify({ model: "mlp2020", epochs: 7, seed: 3, split: { seed: 9 } }));
    const config = must(resolveConfig({ file, sets: ["seed=4", "seed=5", "schedule=cosine"] }));
    assert.equal(config.model, "mlp2020");
    assert.equal(config.epochs, 7);
    assert.equal(config.seed, 5);
    assert.equal(config.schedule, "cosine");
    assert.deepEqual(config.split, { seed: 9, train: 0.7, validation: 0.15, test: 0.15 });
    assert.equal(must(resolveConfig({ model: "cnn", file })).model, "cnn");
    writeFileSync(file, "{");
    assert.equal(problemOf(resolveConfig({ file })).kind, "not a configuration");
    assert.equal(problemOf(resolveConfig({ file: join(folder, "none.json") })).kind, "not found");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("an unknown key is refused by name, with the nearest one", () => {
  const cases = [
    ["learningrate=0.1", "learningRate"],
    ["split.vaildation=0.1", "split.validation"],
    ["augmentation.rotate=3", "augmentation.rotateDegrees"],
    ["epoch=3", "epochs"],
  ] as const;
  for (const [setting, meant] of cases) {
    const problem = problemOf(resolveConfig({ sets: [setting] }));
    assert.equal(problem.kind, "unknown key");
    assert.equal(problem.got, setting.split("=")[0]);
    assert.match(problem.next, new RegExp(`write ${meant} `));
  }
  assert.equal(problemOf(resolveConfig({ model: "cn" })).kind, "unknown model");
});

test("values out of range and settings that contradict each other are refused where they stand", () => {
  const refused = (...sets: string[]) => problemOf(resolveConfig({ sets }));
  assert.equal(refused("epochs=0").where, "--set epochs=0: epochs");
  assert.equal(refused("epochs=many").got, '"many"');
  assert.equal(refused("epochs").kind, "not a setting");
  assert.equal(refused("split.train=0.9").kind, "fractions");
  assert.equal(refused("model=mlp2020", "neighbours=3").kind, "neighbours");
  assert.equal(refused("model=mlp2020", "width=3").kind, "width");
  assert.equal(refused("split=3").kind, "value out of range");
  assert.equal(refused("nesterov=true").kind, "nesterov");
  assert.equal(refused("optimiser=sgd", "nesterov=true").got, "nesterov with momentum 0");
  assert.equal(refused("accumulate=3").next, "set batchSize=33, or another number of pieces");
  assert.equal(refused("accumulate=2", "workers=4").kind, "workers");
  assert.equal(refused("lossScale=8", "lossScaleGrowth=100").kind, "loss scale");
  assert.equal(refused('rates=[{"pattern":"stem.*","factor":2}]').kind, "value out of range");
  must(resolveConfig({ sets: ["optimiser=sgd", "momentum=0.9", "nesterov=true", "accumulate=4", "workers=2"] }));
  must(resolveConfig({ sets: ["split.train=0.8", "split.validation=0.2", "split.test=0"] }));
});

test("augmentation is a preset, a preset with changes, or single changes from nothing", () => {
  const augmentation = (...sets: string[]) => must(resolveConfig({ sets })).augmentation;
  assert.deepEqual(augmentation(), standardAugmentation);
  assert.equal(augmentation("augmentation=none"), "none");
  assert.deepEqual(augmentation("augmentation.flip=0"), { ...standardAugmentation, flip: 0 });
  assert.deepEqual(augmentation("augmentation=none", "augmentation.flip=0.5"), {
    flip: 0.5,
    rotateDegrees: 0,
    scale: 0,
    shiftPixels: 0,
    noiseHu: 0,
    offsetHu: 0,
  });
  assert.deepEqual(augmentation("augmentation=none", "augmentation=standard"), standardAugmentation);
});

test("differences name the dotted key and both values", () => {
  const before = defaultConfig("cnn");
  assert.deepEqual(configDifferences(before, before), []);
  const now = { ...before, epochs: 3, split: { ...before.split, seed: 4 }, patience: 2 };
  assert.deepEqual(configDifferences(before, now), [
    "split.seed: 0, now 4",
    "epochs: 12, now 3",
    "patience: not set, now 2",
  ]);
});

test("a pattern that fits no parameter is refused, with the nearest names", () => {
  const names = ["stem.weight", "stem.bias", "head.weight"];
  assert.equal(strayPattern({ frozen: ["stem.*"], rates: [{ pattern: "*.weight", scale: 2 }] }, names), undefined);
  const stray = strayPattern({ frozen: ["steam.*"] }, names);
  assert.equal(stray?.got, "steam.*");
  assert.match(stray?.expected ?? "", /such as stem\.bias, stem\.weight, head\.weight$/);
  const rates = [
    { pattern: "head.*", scale: 2 },
    { pattern: "heads.*", scale: 2 },
  ];
  assert.deepEqual(
    [strayPattern({ rates }, names)?.where, strayPattern({ rates }, names)?.got],
    ["configuration: rates", "heads.*"],
  );
});

test("frozen may name running statistics, a learning rate has none to scale", () => {
  const [names, statistics] = [["norm.weight"], ["norm.running_mean", "norm.running_var"]];
  assert.equal(strayPattern({ frozen: ["*.running_mean"] }, names, statistics), undefined);
  const rates = [{ pattern: "*.running_mean", scale: 2 }];
  assert.equal(strayPattern({ rates }, names, statistics)?.where, "configuration: rates");
});

test("no text given as a setting throws", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 3 }), fc.string(), (sets, value) => {
      resolveConfig({ sets: [...sets, `epochs=${value}`] });
    }),
    { seed: 8, numRuns: 500 },
  );
});
