// The contract of the executor port on every provider that this machine has; the others are skipped by name.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { executors, openExecutor, probeProvider } from "../src/runtime/index.ts";
import { executorContract, type Opener } from "./contract/executor.ts";

// Software for WebGPU where there is no GPU: Chromium's, which Dawn takes; it reads the variable when it first opens.
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!existsSync("/dev/dri") && existsSync(software)) process.env["VK_DRIVER_FILES"] ??= software;

const opener =
  (provider: string): Opener =>
  (model, where) =>
    openExecutor(model, { provider, where, threads: 1 });

for (const provider of Object.keys(executors)) {
  const there = await probeProvider(provider);
  const skip = there.kind === "ok" ? false : `${there.problem.got}; it needs ${there.problem.expected}`;
  executorContract(provider, opener(provider), { skip, reference: opener("cpu") });

  test(`a missing ${provider} is a problem that names what to do`, { skip: skip === false }, async () => {
    const opened = await openExecutor(new Uint8Array(), { provider });
    assert.equal(opened.kind, "problem");
    if (opened.kind !== "problem") return;
    const { kind, where, next } = opened.problem;
    assert.deepEqual([kind, where], ["provider missing", `provider ${provider}`]);
    assert.ok(next.length > 0);
  });
}

test("a provider that nobody knows is a problem that names the known ones", async () => {
  const opened = await openExecutor(new Uint8Array(), { provider: "abacus" });
  assert.equal(opened.kind, "problem");
  if (opened.kind === "problem") assert.match(opened.problem.expected, /cpu, cuda.*wasm/);
});
