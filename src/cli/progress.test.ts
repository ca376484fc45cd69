import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { mock, test } from "node:test";
import { inWords, terminalProgress } from "./progress.ts";

/** A stream that remembers what is written to it. */
function remembering(isTTY: boolean) {
  let text = "";
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100, cursorTo() {}, clearLine() {} });
  stream.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  return { stream, text: () => text };
}

test("without a terminal: a line at the start, at the end, and about every ten seconds", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const clock = mock.method(performance, "now", () => time);
  let time = 0;
  const { stream, text } = remembering(false);
  const task = terminalProgress(stream).start("Reading headers", 200);
  const pass = (seconds: number) => {
    time += seconds * 1000;
    mock.timers.tick(seconds * 1000);
  };
  pass(5);
  task.advance(50);
  pass(5);
  task.advance(50, "loss 0.25");
  pass(4);
  task.advance(60);
  pass(8); // no step, but the clock tells
  task.advance(40);
  task.done();
  task.done();
  clock.mock.restore();
  mock.timers.reset();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(text().split("\n"), [
    "Reading headers …",
    "Reading headers: 25 %, 30 s left",
    "Reading headers: 80 %, 5.5 s left, loss 0.25",
    "Reading headers: done in 22 s, loss 0.25",
    "",
  ]);
});

test("on a terminal: a bar with percent, time and note, gone when it is closed", async () => {
  const { stream, text } = remembering(true);
  const progress = terminalProgress(stream);
  const task = progress.start("Training", 4);
  task.advance(2, "loss 0.1");
  task.done();
  progress.start("Left open", 4).advance(1);
  progress.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(text(), /Training +█+ 100%/);
  assert.match(text(), /loss 0\.1/);
  assert.match(text(), /Left open +█+░+ 25%/);
});

test("what was interrupted is not said to be done", async () => {
  const { stream, text } = remembering(false);
  const task = terminalProgress(stream, AbortSignal.abort()).start("Training", 4);
  task.done();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(text(), "Training …\n");
});

test("what was done before the start does not make the rest look fast", async () => {
  let time = 0;
  const clock = mock.method(performance, "now", () => time);
  const { stream, text } = remembering(false);
  const task = terminalProgress(stream).start("Training", 100);
  task.advance(50); // a resumed training tells so at once
  time += 10_000;
  task.advance(10);
  clock.mock.restore();
  task.done();
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(text(), /\nTraining: 60 %, 40 s left\n/);
});

test("durations as people say them", () => {
  const said = [400, 9949, 9960, 59_600, 185_000, 3_599_600, 7_800_000].map(inWords);
  assert.deepEqual(said, ["0.4 s", "9.9 s", "10 s", "1 min 00 s", "3 min 05 s", "1 h 00 min", "2 h 10 min"]);
});
