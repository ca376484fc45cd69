import assert from "node:assert/strict";
import { test } from "node:test";
import { mostReaders, openPace } from "./reading-pace.ts";

/** Readers after so many tasks, where each takes 10 ms on the clock and so many of the processors. */
function readersAfter(tasks: number, processorMs: number): number {
  let done = 0;
  const pace = openPace(2, { wallMs: () => done * 10, processorMs: () => done * processorMs });
  for (; done < tasks; ) {
    done++;
    pace.advance();
  }
  return pace.readers;
}

test("readers stay as many as processors while those are busy, and become more where they wait", () => {
  assert.equal(readersAfter(100, 18), 3);
  assert.equal(readersAfter(5, 2), 3);
  assert.equal(readersAfter(6, 2), 6);
  assert.equal(readersAfter(18, 2), 12);
  assert.equal(readersAfter(1000, 2), mostReaders);
});
