import assert from "node:assert/strict";
import { test } from "node:test";
import { must } from "../base/index.ts";
import { wasmCodec } from "./codecs/wasm.ts";
import { codecs, loadCodecs } from "./codecs.ts";
import { readFrame } from "./frame.ts";
import { readHeader } from "./header.ts";

// In a file of its own: other tests load the codecs of their process.

const jpeg = new URL("./fixtures/u8-dcmcjpeg-eb.dcm", import.meta.url).pathname;

const loaded = () => {
  const all = new Set(Object.values(codecs).flatMap((row) => row.codecs));
  return [...all]
    .filter((codec) => codec.from !== "Ichor" && codec.availability().kind === "ready")
    .map(({ name }) => name);
};

test("headers load no codec, and pixels that need one say what to do", async () => {
  const header = must(readHeader(jpeg));
  await loadCodecs(["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"]);
  assert.deepEqual(loaded(), []);
  const refused = readFrame(jpeg, header);
  assert.ok(refused.kind === "problem" && refused.problem.kind === "codec");
  assert.match(refused.problem.got, /dcmjs-codecs not loaded/);
  assert.match(refused.problem.next, /loadCodecs/);
});

test("only what a syntax needs is loaded, however often it is asked for", async () => {
  await Promise.all([loadCodecs(["1.2.840.10008.1.2.4.70"]), loadCodecs(["1.2.840.10008.1.2.4.70"])]);
  assert.deepEqual(loaded(), ["dcmjs"]);
  await loadCodecs(["unknown", "1.2.840.10008.1.2.4.202"]);
  assert.deepEqual(loaded().sort(), ["dcmjs", "openjph"]);
  assert.equal(readFrame(jpeg, must(readHeader(jpeg))).kind, "ok"); // the exact codec takes it, the other is not there
});

test("a package that is not there, or whose code does not start, is missing with the reason, not an error", async () => {
  const absent = wasmCodec("no-such-package/codec.wasm", () => ({ heapBytes: () => 0 }));
  await absent.load();
  const state = absent.availability();
  assert.ok(state.kind === "missing" && state.detail.includes("no-such-package"));
  const broken = wasmCodec("@cornerstonejs/codec-openjph/wasm", () => {
    throw new Error("did not start");
  });
  await broken.load();
  assert.deepEqual(broken.availability(), { kind: "missing", detail: "did not start" });
});
