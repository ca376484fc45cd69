// Ctrl-C, in processes of their own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const script = join(import.meta.dirname, "patient-command.ts");

/** Runs the patient command and sends so many Ctrl-C, the next one when the last has been answered. */
async function interrupt(how: string, times: number): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", script, "wait", how]);
  let stderr = "";
  let sent = 0;
  const send = () => {
    if (sent++ < times) child.kill("SIGINT");
  };
  child.stdout.once("data", send);
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
    if (bytes.includes("Stopping")) send();
  });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { code, stderr };
}

test("the first Ctrl-C lets the work stop where it can go on", async () => {
  const { code, stderr } = await interrupt("politely", 1);
  assert.equal(code, 130);
  assert.match(stderr, /Stopping at the next safe point/);
  assert.match(stderr, /interrupted\n {2}where {5}waiting\n/);
});

test("the second Ctrl-C stops at once", async () => {
  const { code, stderr } = await interrupt("stubbornly", 2);
  assert.equal(code, 130);
  assert.doesNotMatch(stderr, /where/);
});
