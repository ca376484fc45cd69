// Runs whose network runs on something else than the processor's native code, or in half precision.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { before, test } from "node:test";
import { must, type Result, silent } from "../base/index.ts";
import { buildIndex } from "../dataset/index.ts";
import { executors, probeHalfPrecision, probeProvider } from "../runtime/index.ts";
import { readMetricsLog, readRun, resolveConfig, runPaths, type TrainOptions, train } from "./index.ts";
import { makeSlices, newFolder, smallTraining } from "./slices-fixture.test.ts";

// Software for WebGPU where there is no GPU: Chromium's, which Dawn takes; it reads the variable when it first opens.
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!existsSync("/dev/dri") && existsSync(software)) process.env["VK_DRIVER_FILES"] ??= software;

const work = { threads: 1, progress: silent, signal: new AbortController().signal };
let data = "";
before(async () => {
  data = newFolder();
  must(await buildIndex({ root: makeSlices({ patients: 12, positive: 6 }), out: data, ...work }));
});

const problemOf = (result: Result<unknown>) => (result.kind === "problem" ? result.problem : assert.fail("no problem"));

/** Training and validation losses of each epoch. */
async function lossesOf(options: TrainOptions): Promise<number[]> {
  must(await train(options));
  const epochs = must(readMetricsLog(runPaths(options.run).metrics)).filter(({ kind }) => kind === "epoch");
  return epochs.flatMap(({ trainLoss, validationLoss = Number.NaN }) => [trainLoss, validationLoss]);
}

function close(got: readonly number[], wanted: readonly number[], tolerance: number): void {
  assert.equal(got.length, wanted.length);
  got.forEach((loss, at) => {
    assert.ok(Math.abs(loss - wanted[at]!) < tolerance * wanted[at]!, `${got} against ${wanted}`);
  });
}

/** Sums in another order: float32 has 6e-8 a sum, and the steps of an epoch carry it on. */
const rounding = 1e-4;

for (const [name, { what }] of Object.entries(executors)) {
  if (name === "cpu") continue;
  const there = await probeProvider(name);
  const missing = there.kind === "ok" ? false : `${there.problem.got}; it needs ${there.problem.expected}`;

  test(`on ${name} (${what}) a run has the losses of cpu, and says what it ran on`, {
    skip: missing,
  }, async () => {
    const options = smallTraining("mlp", { data, provider: name, sets: ["epochs=1"] });
    close(await lossesOf(options), await lossesOf({ ...options, run: newFolder(), provider: "cpu" }), rounding);
    const [start] = must(readRun(options.run)).info.starts;
    assert.deepEqual([start?.provider, start?.form], [name, "portable"]);
  });

  test(`a missing ${name} is refused by name before anything is read or written`, { skip: !missing }, async () => {
    const options = smallTraining("cnn", { data: "no such folder", provider: name });
    const { kind, where } = problemOf(await train(options));
    assert.deepEqual([kind, where], ["provider missing", `provider ${name}`]);
    assert.ok(!existsSync(options.run));
  });

  const half = missing ? undefined : await probeHalfPrecision(name);
  const lacks = half === "missing" ? false : missing || `float16 is there: ${half}`;
  test(`float16 on ${name} without it is refused before anything is read or written`, { skip: lacks }, async () => {
    const sets = ["precision=float16", "lossScale=dynamic"];
    const options = smallTraining("cnn", { data: "no such folder", provider: name, sets });
    const { kind, where } = problemOf(await train(options));
    assert.deepEqual([kind, where], ["precision missing", `provider ${name}`]);
    assert.ok(!existsSync(options.run));
  });
}

test("a run that was begun on cpu goes on where it stopped on wasm, and says so", async () => {
  const stop = new AbortController();
  let steps = 0;
  const advance = (what: string) => () => what === "Training" && ++steps === 5 && stop.abort();
  const progress = { start: (what: string) => ({ advance: advance(what), done() {} }) };
  const options = smallTraining("cnn", { data, progress, signal: stop.signal });
  assert.equal(problemOf(await train(options)).kind, "interrupted");
  const resumed = { ...options, ...work, resume: "resume", config: undefined, provider: "wasm" } as const;
  const losses = await lossesOf(resumed);
  close(losses, await lossesOf(smallTraining("cnn", { data })), 1e-3); // batch normalisation makes more of a rounding
  const { starts, notes } = must(readRun(options.run)).info;
  assert.deepEqual(
    starts.map(({ provider }) => provider),
    ["cpu", "wasm"],
  );
  assert.ok(notes.includes("resumed with other provider (cpu, then wasm): last bits may differ"), notes.join("\n"));
});

test("an interrupted run's next step names its provider", async () => {
  const stop = new AbortController();
  const progress = { start: (what: string) => ({ advance: () => what === "Training" && stop.abort(), done() {} }) };
  const options = smallTraining("mlp", { data, progress, signal: stop.signal, provider: "wasm" });
  const wanted = `ichor train --data ${data} --run ${options.run} --resume --provider wasm`;
  assert.equal(problemOf(await train(options)).next, wanted);
});

test("float16 trains as float32 does to a hundredth, whole and in pieces; it wants a loss scale", async () => {
  const sets = ["precision=float16", "lossScale=1024"];
  const wanted = await lossesOf(smallTraining("mlp", { data }));
  for (const more of [[], ["accumulate=2"]]) {
    const options = smallTraining("mlp", { data, sets: [...sets, ...more] });
    const losses = await lossesOf(options);
    close(losses, wanted, 1e-2); // float16 has 11 bits: 5e-4 a product
    assert.notDeepEqual(losses, wanted);
    assert.match(must(readRun(options.run)).info.starts[0]?.form ?? "", /float16/);
  }
  const refused = problemOf(resolveConfig({ sets: ["precision=float16"] }));
  assert.deepEqual([refused.kind, refused.next], ["loss scale", "set lossScale=dynamic, or leave precision out"]);
});
