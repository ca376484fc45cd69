import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { must, shaped } from "../base/index.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !text.startsWith("__"));
const array = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) =>
  fc
    .float32Array({
      minLength: shape.reduce((a, b) => a * b, 1),
      maxLength: shape.reduce((a, b) => a * b, 1),
    })
    .map((data) => shaped(data, shape)),
);
const tensors = fc.record(
  {
    arrays: fc.dictionary(name, array, { maxKeys: 5, noNullPrototype: true }),
    metadata: fc.dictionary(name, fc.string(), { maxKeys: 3, noNullPrototype: true }),
  },
  { noNullPrototype: true },
);

test("what is written is read again, bit for bit, and arrays are aligned", () => {
  fc.assert(
    fc.property(tensors, (content) => {
      const bytes = encodeSafetensors(content);
      const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      assert.equal((8 + headerBytes) % 8, 0);
      assert.deepEqual(must(decodeSafetensors(bytes, "test")), content);
    }),
    { seed: 8, numRuns: 200 },
  );
});

test("any mutated byte and any cut gives a value or a problem, never a throw", () => {
  const whole = encodeSafetensors({
    arrays: { weight: shaped(Float32Array.of(1, 2, 3, 4), [2, 2]), bias: shaped(Float32Array.of(5), [1]) },
    metadata: { ichor: "{}" },
  });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
      const bytes = whole.slice(0, length);
      if (at < length) bytes[at] = value;
      const decoded = decodeSafetensors(bytes, "test");
      if (decoded.kind === "problem") assert.equal(decoded.problem.kind, "not safetensors");
    }),
    { seed: 8, numRuns: 2000 },
  );
});

const python = spawnSync("/usr/bin/python3", ["-c", "import json, struct, numpy"]);
test("the layout is the format's: Python reads it without us", { skip: python.status !== 0 && "python3-numpy" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "ichor-safetensors-"));
  try {
    const path = join(folder, "a.safetensors");
    const content = { arrays: { w: shaped(Float32Array.of(0.5, -2, 3), [3]) }, metadata: { k: "v" } };
    writeFileSync(path, encodeSafetensors(content));
    const script = `
import json, struct, sys, numpy
raw = open(sys.argv[1], "rb").read()
n = struct.unpack("<Q", raw[:8])[0]
header = json.loads(raw[8:8 + n])
a, b = header["w"]["data_offsets"]
print(json.dumps([header["__metadata__"], numpy.frombuffer(raw[8 + n + a:8 + n + b], "<f4").tolist()]))`;
    const read = spawnSync("/usr/bin/python3", ["-c", script, path], { encoding: "utf8" });
    assert.deepEqual(JSON.parse(read.stdout), [{ k: "v" }, [0.5, -2, 3]]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
