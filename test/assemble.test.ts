import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openKernel } from "../src/base/index.ts";
import { assemble, assembleAll } from "./assemble.ts";

test("each .wasm.ts is what its .wat says (npm run wasm)", async () => {
  for (const { path, text } of await assembleAll()) assert.equal(readFileSync(path, "utf8"), text, path);
});

const base64 = async (text: string) => Buffer.from(await assemble("a test", text)).toString("base64");

/** Doubles so many float32 from byte 0 on, four at a time. */
const doubling = `(module (memory (export "memory") 1)
  (func (export "double") (param $count i32) (local $at i32)
    (loop $next
      (v128.store (local.get $at) (f32x4.mul (v128.load (local.get $at)) (f32x4.splat (f32.const 2))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16)))
        (i32.mul (local.get $count) (i32.const 4)))))))`;

test("a kernel computes on arrays in its memory, which grows as asked", async () => {
  const { functions, memory } = openKernel(await base64(doubling), ["double"]);
  const length = 50_000; // 200 kB: more than the one page that the module starts with
  const values = new Float32Array(memory(length * 4), 0, length);
  values.set(values.map((_, index) => index));
  functions.double(length);
  assert.equal(memory(8), values.buffer, "a memory that is long enough stays in its place");
  assert.deepEqual(
    values,
    Float32Array.from({ length }, (_, index) => 2 * index),
  );
});

test("a kernel without what is asked of it is refused by name", async () => {
  const text = await base64(doubling);
  assert.throws(() => openKernel(text, ["treble"]), /no function treble/);
  assert.throws(() => openKernel("AGFzbQEAAAA=", []), /no memory/);
});
