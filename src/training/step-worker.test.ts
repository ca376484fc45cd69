import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { must, silent } from "../base/index.ts";
import { batchPlanner } from "../dataset/index.ts";
import { SessionLost } from "../runtime/index.ts";
import { openBatchSource, type Steppers } from "./batch-source.ts";
import { buildEngine } from "./engine.ts";
import { type OpenedData, openData } from "./run-data.ts";
import { makeSlices, newFolder, smallTraining } from "./slices-fixture.test.ts";

const batchSize = 8;
const steps = 4;
const rowsOf = (step: number) => Int32Array.from({ length: batchSize }, (_, at) => (step * 5 + at * 3) % 24);
let opened: OpenedData;

before(async () => {
  const root = makeSlices({ patients: 6, positive: 3 });
  const { config } = smallTraining("cnn", { data: root });
  const work = { threads: 1, progress: silent, signal: new AbortController().signal };
  if (config === undefined) assert.fail("no configuration");
  opened = must(await openData({ data: root, trainedOn: root, run: newFolder(), config, work }));
});
after(() => opened.cache.close());

/** A session of the small CNN, and batches for it in both ways. */
async function ready(sets: readonly string[] = []) {
  const { config } = smallTraining("cnn", { data: "", sets: ["augmentation=standard", ...sets] });
  if (config === undefined) assert.fail("no configuration");
  const engine = buildEngine({ config, batchSize, standardisation: undefined });
  const session = must(await engine.open(engine.initial, { threads: 1 }));
  const from = { ...opened, neighbours: config.neighbours, augment: config.augmentation, seed: config.seed };
  return { engine, session, from };
}

/** The losses of four steps, the state after them, and whether a step gave the pixels of its batch back. */
async function takeSteps(cores: number, sets: readonly string[]) {
  const { engine, session, from } = await ready(sets);
  const source = openBatchSource(from, { threads: cores, cores });
  const ask = (step: number) => (step < steps ? source.ask({ rows: rowsOf(step), epoch: 1, step }) : undefined);
  const losses: number[] = [];
  const gaveBack = new Set<boolean>();
  for (let at = 0, now = ask(0), next = ask(1); now !== undefined; now = next, next = ask(++at + 1)) {
    const feeds = { ...(await now.feeds), ...engine.feeds(at, steps) };
    const stepped = await session.step(feeds, { now: now.made, next: next?.made });
    source.reuse(stepped.feeds);
    losses.push(stepped.loss);
    gaveBack.add(stepped.feeds["hu"] !== undefined);
  }
  const state = await session.read();
  await session.close();
  await source.close();
  return { trained: { losses, state }, gaveBack: [...gaveBack] };
}

for (const sets of [[], ["workers=2"]])
  test(`steps that name their batches are those that bring them, byte for byte${sets.length > 0 ? ", in pieces too" : ""}`, async () => {
    const named = await takeSteps(2, sets);
    const brought = await takeSteps(8, sets);
    assert.deepEqual([named.gaveBack, brought.gaveBack], [[false], [true]], "what was made stays where it is");
    assert.equal(named.trained.losses.length, steps);
    assert.deepEqual(named.trained, brought.trained);
  });

test("batches are made between steps where these take every core of a few, else beside them", async () => {
  const { session, from } = await ready();
  const isMadeBetween = async (steppers: Steppers) => {
    const source = openBatchSource(from, steppers);
    const { feeds, made } = source.ask({ rows: rowsOf(0), epoch: 1, step: 0 });
    assert.equal((await feeds)["hu"] === undefined, made !== undefined, "brought or named");
    await source.close();
    return made !== undefined;
  };
  for (const [expected, steppers] of [
    [true, { threads: 2, cores: 2 }],
    [true, { threads: 2, cores: 1, provider: "cpu" }],
    [false, { threads: 1, cores: 2 }],
    [false, { threads: 2, cores: 8 }],
    [false, { threads: 8, cores: 8 }],
    [false, { threads: 2, cores: 2, provider: "webgpu" }],
  ] as const)
    assert.equal(await isMadeBetween(steppers), expected, JSON.stringify(steppers));
  await session.close();
});

test("shards that are taken away are an error of the step that lacks them, which can be taken when they are back", async () => {
  const { engine, session, from } = await ready();
  const shard = join(opened.cache.dir, readdirSync(opened.cache.dir).find((name) => name.endsWith(".npy"))!);
  const bytes = readFileSync(shard);
  const { task, labels } = batchPlanner(from)({ rows: rowsOf(0), epoch: 1, step: 0 });
  const step = () =>
    session.step({ labels: labels.slice(), ...engine.feeds(0, 4) }, { now: { id: 0, task }, next: undefined });
  try {
    rmSync(shard);
    await assert.rejects(step(), (error) => !(error instanceof SessionLost) && /ENOENT.*\.npy/.test(String(error)));
  } finally {
    writeFileSync(shard, bytes);
  }
  assert.ok((await step()).loss > 0);
  await session.close();
  await assert.rejects(step(), SessionLost);
});
