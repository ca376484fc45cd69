// `ichor doctor` on this machine, hastily.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { DoctorReport } from "../../src/cli/run/doctor-report.ts";
import { executors } from "../../src/runtime/index.ts";
import { ichor } from "./terminal.ts";

test("the doctor tells machine, providers and speeds, and recommends", async () => {
  const { code, stdout, stderr } = await ichor(["doctor", "--seconds", "1", "--threads", "1", "--json"]);
  assert.equal(code, 0, stderr);
  const { machine, providers, measured, advice } = JSON.parse(stdout) as DoctorReport;
  assert.equal(machine.node, process.versions.node);
  assert.ok(machine.cores >= 1 && machine.memoryBytes > 1e8);
  assert.deepEqual(
    providers.map(({ name }) => name),
    Object.keys(executors),
  );
  const missing = providers.filter((provider) => provider.missing !== undefined);
  for (const { missing: problem } of missing) assert.ok(problem!.got.length > 0 && problem!.next.length > 0);
  const usable = providers.map(({ name }) => name).filter((name) => !missing.some((other) => other.name === name));
  assert.ok(usable.includes("cpu") && usable.includes("wasm"));
  assert.deepEqual(measured.problems, []);
  assert.ok(measured.product.every(({ gflops }) => gflops > 0.1));
  const timed = new Set(measured.beside.map(({ provider }) => provider));
  assert.deepEqual([...timed], usable);
  for (const { slicesPerSecond } of [...measured.training, ...measured.beside]) assert.ok(slicesPerSecond > 0.01);
  assert.equal(measured.disk?.kind, "scratch");
  assert.equal(advice?.threads, 1);
});

test("its words name each provider and what to type", async () => {
  const data = join(import.meta.dirname, ".."); // files that are there
  const { code, stdout } = await ichor(["doctor", "--seconds", "1", "--threads", "1", "--data", data]);
  assert.equal(code, 0);
  for (const name of Object.keys(executors)) assert.match(stdout, new RegExp(`^  ${name} +(usable|not here)`, "m"));
  assert.match(stdout, /files read at/);
  assert.match(stdout, /--threads 1.*\n.*--set batchSize=\d+ --set preprocessing\.size=\d+(.*\n)*.*--provider \w+/);
});

test("a folder that is not there is refused by name", async () => {
  const { code, stdout } = await ichor(["doctor", "--seconds", "1", "--data", "nowhere-at-all", "--json"]);
  assert.equal(code, 1);
  const { problem } = JSON.parse(stdout) as { problem: { kind: string; where: string } };
  assert.deepEqual([problem.kind, problem.where], ["not found", "nowhere-at-all"]);
});
