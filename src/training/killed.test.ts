import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { must, random } from "../base/index.ts";
import { readMetricsLog, readRun, runPaths, train } from "./index.ts";
import { makeSlices, newFolder, smallTraining } from "./slices-fixture.test.ts";
import type { TrainOptions } from "./train.ts";

/** A training in a process of its own, which writes a checkpoint after each step. */
function startChild({ data, run, config }: TrainOptions) {
  const code = `
    const { train } = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    const progress = { start: () => ({ advance() {}, done() {} }) };
    const signal = new AbortController().signal;
    const options = ${JSON.stringify({ data, run, config, resume: "resume", threads: 1, checkpointMs: 0 })};
    const trained = await train({ ...options, progress, signal });
    if (trained.kind === "problem") { console.error(trained.problem); process.exit(1); }`;
  // A file, as worker threads inherit the flags of code that is given on the command line.
  const script = `${newFolder()}.mjs`;
  writeFileSync(script, code);
  const child = spawn(process.execPath, ["--import", "tsx", script], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const ended = new Promise<{ code: number | null; errors: string }>((settle) =>
    child.on("close", (status) => settle({ code: status, errors })),
  );
  return { ended, kill: () => child.kill("SIGKILL") };
}

/** Waits until a file is there or the child has ended. */
async function fileOf(path: string, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver && !existsSync(path)) await pause(5);
}

/** What the log says, without what the clock says. */
function logOf(run: string) {
  return must(readMetricsLog(runPaths(run).metrics)).map((line) => ({ ...line, seconds: 0 }));
}

/** What a configuration can ask of a training step, all at once. */
const everything = [
  "optimiser=sgd",
  "momentum=0.9",
  "nesterov=true",
  "weightDecay=0.01",
  "schedule=onecycle",
  "clipNorm=1",
  "clipValue=0.1",
  "averageDecay=0.9",
  "lossScale=dynamic",
  "lossScaleGrowth=3",
  "accumulate=4",
  "workers=2",
  "recompute=2",
  'frozen=["stage1.second.scale","stage1.second.bias"]',
  'rates=[{"pattern":"stage1.*","scale":0.3},{"pattern":"head.*","scale":2}]',
];

for (const [what, more] of [
  ["a training", []],
  ["a training with everything switched on", everything],
] as const)
  test(`killed again and again at random moments, ${what} ends in the same detector, byte for byte`, () =>
    killAgainAndAgain(more));

async function killAgainAndAgain(more: readonly string[]): Promise<void> {
  const data = makeSlices({ patients: 9, positive: 5 });
  const sets = ["epochs=8", "augmentation=standard", ...more];
  const whole = smallTraining("cnn", { data, sets });
  must(await train(whole));
  const killed = smallTraining("cnn", { data, sets });
  const paths = runPaths(killed.run);
  const chance = random(8, "kill");
  let kills = 0;
  for (const path of [paths.info, paths.split, paths.last, paths.last, paths.model]) {
    const child = startChild(killed);
    await fileOf(path, child.ended);
    // Once the first checkpoint is there, a child needs a while before it goes on from it.
    await pause(chance.integer(path === paths.last && kills > 2 ? 2500 : 60));
    child.kill();
    const { code } = await child.ended;
    if (code === null) kills++;
  }
  const { code, errors } = await startChild(killed).ended;
  assert.equal(code, 0, errors);
  assert.ok(kills >= 3, `only ${kills} kills met a living child`);
  assert.equal(must(readRun(killed.run)).info.status, "finished");
  assert.ok(readFileSync(paths.model).equals(readFileSync(runPaths(whole.run).model)));
  assert.deepEqual(logOf(killed.run), logOf(whole.run));
}
