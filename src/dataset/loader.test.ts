import assert from "node:assert/strict";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { must, silent } from "../base/index.ts";
import { stackNeighbours } from "../ct/index.ts";
import { folderOf, labelTable, newFolder, seriesFiles, tableOf } from "./folder-fixture.test.ts";
import {
  type Augmentation,
  type Batch,
  type BatchPlan,
  batchPlanner,
  buildCache,
  type LoaderOptions,
  openBatchMaker,
  openLoader,
  type SliceCache,
  type SliceTable,
} from "./index.ts";

const size = 8;
let table: SliceTable;
let cache: SliceCache;

before(async () => {
  table = await tableOf(
    folderOf({
      ...seriesFiles("stage_2_train", "a", 3),
      ...seriesFiles("stage_2_train", "b", 4),
      "stage_2_train.csv": labelTable({ ID_ax1: ["any", "epidural"], ID_bx0: [] }),
    }),
  );
  const preprocessing = { values: "hu", size, fieldOfViewMm: "image" } as const;
  const signal = new AbortController().signal;
  cache = must(await buildCache({ table, preprocessing, dir: newFolder(), threads: 1, progress: silent, signal }));
});
after(() => cache.close());

const augment: Augmentation = { flip: 0.5, rotateDegrees: 15, scale: 0.1, shiftPixels: 1, noiseHu: 4, offsetHu: 2 };
const plan = (rows: readonly number[], epoch = 0): BatchPlan => ({ rows: Int32Array.from(rows), epoch, step: 0 });

/** The batches of plans, asked for all at once. */
async function batches(plans: readonly BatchPlan[], o: Partial<LoaderOptions> = {}) {
  const loader = openLoader({ cache, table, neighbours: 3, augment: "none", seed: 1, ...o });
  try {
    return await Promise.all(plans.map((one) => loader.batch(one)));
  } finally {
    await loader.close();
  }
}

test("without augmentation a batch equals ct's stacked neighbours of the cached slices", async () => {
  for (const neighbours of [1, 5] as const) {
    const reach = (neighbours - 1) / 2;
    const rows = [0, 2, 3, 6, 4];
    const [batch] = await batches([plan(rows)], { neighbours });
    const expected = rows.flatMap((row) => {
      const channels = Array.from({ length: neighbours }, (_, channel) => {
        const other = row + channel - reach;
        return table.seriesIndex[other] === table.seriesIndex[row] ? cache.read(other) : undefined;
      });
      return [...stackNeighbours(channels, size)];
    });
    assert.deepEqual(batch?.hu, Float32Array.from(expected));
  }
});

test("a batch brings the labels of its rows, NaN where there are none", async () => {
  const [batch] = await batches([plan([1, 3, 4])]);
  assert.deepEqual([...batch!.labels.subarray(0, 12)], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.ok(batch!.labels.subarray(12).every(Number.isNaN));
});

test("augmented batches depend on seed, epoch and row alone", async () => {
  const all = [0, 1, 2, 3, 4, 5, 6];
  const reversed = plan([...all].reverse());
  const [one, again, turned, later] = await batches([plan(all), plan(all), reversed, plan(all, 1)], { augment });
  assert.deepEqual(again, one);
  const length = 3 * size * size;
  assert.deepEqual(turned!.hu.slice(0, length), one!.hu.slice(6 * length), "a row looks the same wherever it stands");
  assert.notDeepEqual(later!.hu, one!.hu);
  const [seeded] = await batches([plan(all)], { augment, seed: 2 });
  assert.notDeepEqual(seeded!.hu, one!.hu);
});

test("a batch that was given back is written over, and holds what a new one would", async () => {
  const plans = [plan([0, 1, 2]), plan([6, 5, 4]), plan([3, 1]), plan([2, 2, 0])];
  const expected = await batches(plans, { augment });
  const loader = openLoader({ cache, table, neighbours: 3, augment, seed: 1 });
  for (const [at, one] of plans.entries()) {
    const batch = await loader.batch(one);
    assert.deepEqual(batch.hu, expected[at]!.hu);
    loader.reuse(batch);
    loader.reuse({ hu: batch.hu.subarray(1) }); // a view is not taken: its memory is another's too
    const written = loader.batch(one);
    assert.equal(batch.hu.length, 0, "handed over to the loader's thread");
    assert.deepEqual((await written).hu, expected[at]!.hu);
  }
  await loader.close();
});

test("batches are the same whether the cache stays in memory or is read anew", async () => {
  const plans = [plan([0, 1, 2]), plan([6, 0, 3, 3]), plan([2, 5, 1])];
  assert.deepEqual(await batches(plans, { augment, mostHeldBytes: 0 }), await batches(plans, { augment }));
});

/** A disk from which everything comes, or nothing. */
const disks = [true, false].map((isCold) => ({ isCold, advance() {} }));

/** The batches of plans, made one after the other in memory of the maker's, each begun before the one before is used. */
async function inOwnMemory(
  plans: readonly BatchPlan[],
  { disk, ...o }: Partial<LoaderOptions> & { readonly disk: (typeof disks)[number] },
) {
  const planned = batchPlanner({ cache, table, neighbours: 3, augment: "none", seed: 1, ...o });
  const maker = openBatchMaker("in own memory", disk);
  const made: Batch[] = [];
  const tasks = plans.map(planned);
  for (const [at, { task, labels }] of tasks.entries()) {
    const hu = await maker.make(task);
    const next = tasks[at + 1]?.task;
    if (next !== undefined) maker.begin(next);
    await new Promise((resolve) => setTimeout(resolve, 1)); // reading the next one leaves this one as it is
    made.push({ hu: hu.slice(), labels });
  }
  return made;
}

test("a batch made where its step is taken is the loader's, byte for byte, read ahead or not", async () => {
  const plans = [plan([0, 1, 2]), plan([6, 0, 3]), plan([2, 5, 2]), plan([1, 4], 1), plan([5])];
  for (const neighbours of [1, 3, 5] as const)
    for (const o of [{ neighbours }, { neighbours, augment }, { neighbours, augment, mostHeldBytes: 0 }])
      for (const disk of disks) assert.deepEqual(await inOwnMemory(plans, { ...o, disk }), await batches(plans, o));
});

test("shards that are taken away are an error of the batch that lacks them, and of no other", async () => {
  const planned = batchPlanner({ cache, table, neighbours: 1, augment, seed: 1 });
  const tasks = [
    [0, 1],
    [1, 0],
    [0, 5],
    [5, 6],
  ].map((rows) => planned(plan(rows)).task);
  const whole = await Promise.all(tasks.map((task) => openBatchMaker("in own memory").make(task)));
  const shard = join(cache.dir, "shard-00000.npy");
  const bytes = readFileSync(shard);
  for (const disk of disks) {
    const maker = openBatchMaker("in own memory", disk);
    assert.deepEqual(await maker.make(tasks[0]!), whole[0]);
    try {
      truncateSync(shard, 128 + 2 * size * size * 2); // the header and two slices
      assert.deepEqual(await maker.make(tasks[1]!), whole[1], "what was read is held");
      maker.begin(tasks[2]!); // its failure is met below
      await new Promise((resolve) => setTimeout(resolve, 20));
      await assert.rejects(maker.make(tasks[2]!), /shard-00000.npy: ends at 384 bytes, within row 5/);
      maker.begin(tasks[2]!);
      await assert.rejects(maker.make(tasks[3]!), /within row 5/, "another batch than the one begun");
      writeFileSync(shard, bytes);
      assert.deepEqual(await maker.make(tasks[2]!), whole[2], "the rest is back");
      rmSync(shard);
      await assert.rejects(openBatchMaker("in own memory", disk).make(tasks[0]!), /ENOENT/);
      await assert.rejects(batches([plan([0])]), /ENOENT/, "the loader's thread alike");
    } finally {
      writeFileSync(shard, bytes);
    }
  }
});

test("a row that holds no slice is refused", async () => {
  const holed = { ...cache, pixelHashes: cache.pixelHashes.map((hash, row) => (row === 1 ? undefined : hash)) };
  await assert.rejects(batches([plan([0, 1])], { cache: holed }), /row 1/);
  const [batch] = await batches([plan([0])], { cache: holed });
  const plane = size * size;
  assert.deepEqual(batch!.hu.slice(2 * plane), batch!.hu.slice(plane, 2 * plane), "its neighbour repeats itself");
});
