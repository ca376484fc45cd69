#!/usr/bin/env node
import { run } from "@stricli/core";
import { app } from "./app.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./output.ts";
import { terminalProgress } from "./progress.ts";

const interrupt = new AbortController();
process.on("SIGINT", () => {
  if (interrupt.signal.aborted) process.exit(exitCodes.interrupted); // the second Ctrl-C does not wait
  process.stderr.write("\nstopping at the next safe point; Ctrl-C again stops at once\n");
  interrupt.abort();
});
// A reader that has seen enough (| head) is no fault of ours.
process.stdout.on("error", (error) => {
  if ("code" in error && error.code === "EPIPE") process.exit(exitCodes.done);
  throw error;
});

const inputs = process.argv.slice(2);
const terminal: Context["process"] = { stdout: process.stdout, stderr: process.stderr, env: process.env };
await run(app, inputs.length === 0 ? ["--help"] : inputs, {
  process: terminal,
  progress: terminalProgress(process.stderr),
  signal: interrupt.signal,
});
// Stricli's own codes are negative: -4 and -5 are wrong usage, the others a fault while a command is loaded or run.
const code = Number(terminal.exitCode ?? exitCodes.done);
process.exitCode = code === -4 || code === -5 ? exitCodes.usage : code < 0 ? exitCodes.failed : code;
