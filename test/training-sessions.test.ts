// The contract of training sessions on every provider that this machine has, here, in a thread and in pieces.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { must } from "../src/base/index.ts";
import {
  executors,
  openSharedSession,
  openTrainingSession,
  openTrainingThread,
  probeProvider,
} from "../src/runtime/index.ts";
import { halves, initial, program, trainingSessionContract } from "./contract/training-session.ts";

// Software for WebGPU where there is no GPU: Chromium's, which Dawn takes; it reads the variable when it first opens.
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!existsSync("/dev/dri") && existsSync(software)) process.env["VK_DRIVER_FILES"] ??= software;

for (const provider of Object.keys(executors)) {
  const there = await probeProvider(provider);
  const skip = there.kind === "ok" ? false : `${there.problem.got}; it needs ${there.problem.expected}`;
  const options = { provider, threads: 1 };
  trainingSessionContract(`portable, on ${provider}`, {
    open: (state) => openTrainingSession(program, state, { ...options, form: "portable" }),
    inThreads: false,
    skip,
  });
}

// A thread is one whatever works in it; runs on other providers are trained in theirs by src/training/provider.test.ts.
trainingSessionContract("in a thread", {
  open: (state) => openTrainingThread(program, state, { threads: 1 }),
  inThreads: true,
  skip: false,
});

const onCpu = must(await openTrainingSession(program, initial, { threads: 1 }));
await onCpu.close();
const skipBlocked = onCpu.form === "portable" ? "this processor has no blocked layout" : false;

trainingSessionContract("blocked", {
  open: (state) => openTrainingSession(program, state, { threads: 1 }),
  inThreads: false,
  skip: skipBlocked,
});

for (const workers of [1, 2]) {
  trainingSessionContract(`in two pieces, ${workers} at once`, {
    open: (state) => openSharedSession(halves(2), state, { pieces: 2, workers, threads: 1 }),
    pieces: 2,
    inThreads: true,
    skip: false,
  });
}

test("every session of ONNX Runtime that is opened is released", async () => {
  const { InferenceSession } = await import("onnxruntime-node");
  const create = InferenceSession.create;
  let live = 0;
  const counted = async (...given: Parameters<typeof create>) => {
    const session = await create.apply(InferenceSession, given);
    const release = session.release.bind(session);
    live++;
    session.release = () => {
      live--;
      return release();
    };
    return session;
  };
  InferenceSession.create = counted as typeof create;
  try {
    for (const form of ["portable", "fastest"] as const) {
      for (let time = 0; time < 3; time++) {
        const session = must(await openTrainingSession(program, initial, { provider: "cpu", threads: 1, form }));
        assert.equal(live, 1);
        await session.close();
        assert.equal(live, 0);
      }
    }
  } finally {
    InferenceSession.create = create;
  }
});
