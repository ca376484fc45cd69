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

test("rows that stand one after the other are read in one go, over the ends of shards too", () => {
  const dir = shardsOf(8);
  const reader = openShards({ dir, size, shardSlices });
  for (let first = 0; first < 8; first++)
    for (let count = 0; first + count <= 8; count++) {
      const target = new Int16Array(count * size ** 2);
      reader.read(first, target);
      assert.deepEqual(
        target,
        target.map((_, at) => first + Math.floor(at / size ** 2)),
      );
    }
  assert.throws(() => reader.read(7, new Int16Array(2 * size ** 2)), /shard-00002.npy: ends at/);
  assert.throws(() => reader.read(0, new Int16Array(5)), /slices of 4 × 4/);
  reader.close();
});
