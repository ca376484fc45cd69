import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { newFolder } from "./folder-fixture.test.ts";
import { emptyShard, openShards, shardPaths } from "./shard.ts";

const [size, shardSlices] = [4, 3];

/** Shards whose slices are filled with their row. */
function shardsOf(rows: number): string {
  const dir = newFolder();
  for (let shard = 0; shard * shardSlices < rows; shard++) {
    const { file, slices } = emptyShard(Math.min(shardSlices, rows - shard * shardSlices), size);
    slices.set(slices.map((_, at) => shard * shardSlices + Math.floor(at / size ** 2)));
    writeFileSync(shardPaths(dir, shard).data, file);
  }
  return dir;
}

const readInto = (count: number) => new Int16Array(count * size ** 2);

/** A target after reading rows from `first` on. */
const filled = (target: Int16Array, first: number) => target.map((_, at) => first + Math.floor(at / size ** 2));

test("rows that stand one after the other are read in one go, over the ends of shards too", async () => {
  const reader = openShards({ dir: shardsOf(8), size, shardSlices });
  for (let first = 0; first < 8; first++)
    for (let count = 0; first + count <= 8; count++) {
      const [target, aside] = [readInto(count), readInto(count)];
      reader.read(first, target);
      await reader.readAside(first, aside);
      assert.deepEqual([target, aside], [filled(target, first), filled(aside, first)]);
    }
  assert.throws(() => reader.read(7, readInto(2)), /shard-00002.npy: ends at/);
  assert.throws(() => reader.read(0, new Int16Array(5)), /slices of 4 × 4/);
  await assert.rejects(reader.readAside(7, readInto(2)), /shard-00002.npy: ends at/);
  await assert.rejects(reader.readAside(0, new Int16Array(5)), /slices of 4 × 4/);
  reader.close();
});

test("a shard that is being read stays open, however many are, and until then when all is closed", async () => {
  const rows = 100 * shardSlices;
  const reader = openShards({ dir: shardsOf(rows), size, shardSlices });
  const targets = Array.from({ length: rows }, () => readInto(1));
  const reads = targets.map((target, row) => reader.readAside(row, target));
  reader.read(50, readInto(1));
  reader.close();
  await Promise.all(reads);
  for (const [row, target] of targets.entries()) assert.deepEqual(target, filled(target, row));
});
