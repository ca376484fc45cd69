import assert from "node:assert/strict";
import { test } from "node:test";
import { numbers } from "../../test/graphs.ts";
import { initialVectors, optimiserScalars, trainingProgram } from "../autodiff/index.ts";
import { must } from "../base/index.ts";
import { lossWeights } from "../labels/index.ts";
import { initialise, models } from "../models/index.ts";
import { SessionLost } from "./session-lost.ts";
import { openTrainingSession } from "./training-session.ts";
import { openOwnThread, openTrainingThread } from "./training-thread.ts";

const batch = 8;
const size = 64;
const optimiser = { kind: "sgd", momentum: 0.9 } as const;
const network = models.cnn.build({ size, neighbours: 3, width: 16 }, batch);
const program = trainingProgram(network, { optimiser, lossWeights });
const initial = initialVectors(program, network, initialise(network, 7));
const feeds = (step: number) => ({
  hu: numbers(batch * 3 * size * size, step).map((x) => 40 + 60 * x),
  labels: numbers(batch * 6, 2).map((x) => (x > 0.4 ? 1 : 0)),
  ...optimiserScalars(optimiser, { step, rate: 1e-3, decay: 0.01 }),
});

test("a thread takes the very steps that this thread would, byte for byte", async () => {
  const [here, there] = [
    must(await openTrainingSession(program, initial, { threads: 1 })),
    must(await openTrainingThread(program, initial, { threads: 1 })),
  ];
  assert.equal(there.form, here.form);
  for (let step = 1; step <= 4; step++) assert.deepEqual(await there.step(feeds(step)), await here.step(feeds(step)));
  assert.deepEqual(await there.read(), await here.read());
  await Promise.all([here.close(), there.close()]);
});

test("this thread goes on while a step runs, and has the feeds again after it", async () => {
  const session = must(await openTrainingThread(program, initial, { threads: 1 }));
  const given = feeds(1);
  let [ticks, done] = [0, false];
  const step = session.step(given).finally(() => {
    done = true;
  });
  assert.equal(given.hu.length, 0, "handed over");
  while (!done) {
    ticks++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual((await step).feeds, feeds(1));
  assert.ok(ticks > 3, `${ticks} turns of the event loop`);
  await session.close();
});

test("a closed session leaves no thread behind, and a step on it is refused", async () => {
  const session = must(await openTrainingThread(program, initial, { threads: 1 }));
  await session.close();
  await assert.rejects(session.step(feeds(1)), SessionLost);
});

test("a thread that has died is a problem that says how to go on", async () => {
  const thread = await openOwnThread();
  const session = must(await openTrainingThread(program, initial, { threads: 1, openThread: () => thread }));
  await session.step(feeds(1));
  await thread.close(); // between two steps: a thread that is ended inside native code takes the process with it
  await assert.rejects(
    session.step(feeds(2)),
    (error) => error instanceof SessionLost && /last checkpoint/.test(error.problem.next),
  );
});

test("a step that ONNX Runtime refuses is a fault, and the thread lives on", async () => {
  const session = must(await openTrainingThread(program, initial, { threads: 1 }));
  await assert.rejects(
    session.step({ ...feeds(1), hu: new Float32Array(3) }),
    (error) => !(error instanceof SessionLost),
  );
  assert.ok((await session.step(feeds(1))).loss > 0);
  await session.close();
});

test("a provider that is missing is a problem, and no thread stays", async () => {
  const opened = await openTrainingThread(program, initial, { provider: "abacus" });
  assert.equal(opened.kind === "problem" && opened.problem.kind, "unknown provider");
});
