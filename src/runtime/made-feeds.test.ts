import assert from "node:assert/strict";
import { test } from "node:test";
import { makeAhead, type Numbered } from "./made-feeds.ts";

const numbered = (id: number): Numbered<string> => ({ id, task: `task ${id}` });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A maker that writes down what it is told; the feed is the length of that. Tasks named in `failing` reject once. */
function noted(failing: string[] = []) {
  const notes: string[] = [];
  const ahead = makeAhead<string>({
    begin: (task) => void notes.push(`begin ${task}`),
    async make(task) {
      notes.push(`make ${task}`);
      await turn();
      if (failing.includes(task)) throw new Error(`no ${failing.splice(failing.indexOf(task), 1)[0]}`);
      return { at: Float32Array.of(notes.length) };
    },
  });
  return { notes, ahead };
}

test("the next feeds are begun in a step, made after its answer, and taken as they are", async () => {
  const { notes, ahead } = noted();
  await ahead.take(numbered(1));
  ahead.begin(numbered(2));
  ahead.makeLater();
  assert.deepEqual(notes, ["make task 1", "begin task 2"], "the answer goes first");
  await turn();
  assert.deepEqual(notes.slice(2), ["make task 2"]);
  assert.deepEqual(await ahead.take(numbered(2)), { at: Float32Array.of(3) });
  assert.equal(notes.length, 3);
});

test("a request that comes before they are made has them made, once", async () => {
  const { notes, ahead } = noted();
  ahead.begin(numbered(1));
  ahead.makeLater();
  await ahead.take(numbered(1));
  await turn();
  assert.deepEqual(notes, ["begin task 1", "make task 1"]);
});

test("other feeds than those that were begun are made when they are asked for", async () => {
  const { notes, ahead } = noted();
  ahead.begin(numbered(1));
  ahead.makeLater();
  await turn();
  await ahead.take(numbered(5));
  await ahead.take(numbered(1));
  assert.deepEqual(notes, ["begin task 1", "make task 1", "make task 5", "make task 1"]);
});

test("feeds that cannot be made are an error of the step that wants them, and can be tried again", async () => {
  const { ahead } = noted(["task 1", "task 2"]);
  ahead.begin(numbered(1));
  ahead.makeLater();
  await turn();
  await turn();
  await assert.rejects(ahead.take(numbered(1)), /no task 1/);
  assert.ok(await ahead.take(numbered(1)));
  ahead.begin(numbered(2));
  ahead.makeLater();
  await turn();
  assert.ok(await ahead.take(numbered(3)), "nobody asks for those that failed");
});
