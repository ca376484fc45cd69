import assert from "node:assert/strict";
import { test } from "node:test";
import { openPace, type Usage, watchDisk, watchLatest } from "./reading-pace.ts";

/** Readers after so many tasks of ten files, each of which takes 10 ms, so many of them of the processors. */
function readersAfter(tasks: number, each: { readonly processorMs: number; readonly diskReads: number }): number {
  let done = 0;
  const usage = (): Usage => ({
    wallMs: done * 10,
    processorMs: done * each.processorMs,
    diskReads: done * each.diskReads,
  });
  const pace = openPace({ threads: 2, begin: 3, most: 10 }, usage);
  while (done < tasks) {
    done++;
    pace.advance(10);
  }
  return pace.readers;
}

test("readers stay as many as processors while those are busy, or files are in memory", () => {
  assert.equal(readersAfter(100, { processorMs: 18, diskReads: 80 }), 3);
  assert.equal(readersAfter(100, { processorMs: 2, diskReads: 9 }), 3);
});

test("readers become more where the processors wait for the disk", () => {
  const cold = { processorMs: 2, diskReads: 80 };
  assert.equal(readersAfter(5, cold), 3);
  assert.equal(readersAfter(6, cold), 6);
  assert.equal(readersAfter(1000, cold), 10);
});

/** What a watch says after so many bytes were wanted, and so many blocks of them came from a disk. */
function watched(open: typeof watchDisk) {
  let diskReads = 7;
  const disk = open(() => ({ wallMs: 0, processorMs: 0, diskReads }));
  return (bytes: number, blocks: number) => {
    diskReads += blocks;
    disk.advance(bytes);
    return disk.isCold;
  };
}

test("files come from a disk where half of their bytes or more did, from then on", () => {
  const coldAfter = watched(watchDisk);
  assert.equal(coldAfter(1024, 0), false);
  assert.equal(coldAfter(1024, 1), false);
  assert.equal(coldAfter(1024, 2), true);
  assert.equal(coldAfter(10 * 1024, 0), true);
});

test("the latest bytes come from a disk where an eighth of them or more did, until others were read", () => {
  const coldAfter = watched(watchLatest);
  assert.equal(coldAfter(8192, 1), false);
  assert.equal(coldAfter(8192, 2), true);
  assert.equal(coldAfter(0, 0), true, "nothing was read");
  assert.equal(coldAfter(8192, 0), false);
});
