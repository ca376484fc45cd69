import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { inOrder, pieces } from "./in-order.ts";

test("in order: answers come in the order of the tasks, with no more in flight than allowed", async () => {
  let [inFlight, most] = [0, 0];
  const run = async (task: number) => {
    most = Math.max(most, ++inFlight);
    await wait((5 - task) * 3); // later tasks are faster
    inFlight--;
    return task * 10;
  };
  const answers: number[] = [];
  for await (const answer of inOrder([0, 1, 2, 3, 4], run, 3)) answers.push(answer);
  assert.deepEqual(answers, [0, 10, 20, 30, 40]);
  assert.equal(most, 3);
});

test("in order: a failure comes at its place, after which nothing is left running", async () => {
  let ended = 0;
  const run = async (task: number) => {
    await wait(task === 1 ? 1 : 10);
    ended++;
    if (task === 1) throw new Error("broken");
    return task;
  };
  const answers: number[] = [];
  await assert.rejects(async () => {
    for await (const answer of inOrder([0, 1, 2, 3], run, 3)) answers.push(answer);
  }, /broken/);
  assert.deepEqual(answers, [0]);
  assert.ok(ended >= 3);
});

test("in order: a consumer that stops early waits for those in flight", async () => {
  let [started, ended] = [0, 0];
  const run = async () => {
    started++;
    await wait(5);
    ended++;
  };
  for await (const _ of inOrder([0, 1, 2, 3, 4, 5], run, 2)) break;
  assert.equal(started, ended);
  assert.ok(started <= 3);
});

test("pieces: all of the list, the last piece shorter", () => {
  assert.deepEqual([...pieces([1, 2, 3, 4, 5], 2)], [[1, 2], [3, 4], [5]]);
  assert.deepEqual([...pieces([], 2)], []);
});
