import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { must, type Progress, silent } from "../src/base/index.ts";
import { detectWith } from "../src/detection/index.ts";
import { makePhantom } from "../src/phantom/index.ts";
import { walkFiles } from "../src/storage/index.ts";
import { tarOf, zipOf } from "./archives.ts";
import { detectorInfo } from "./detector-info.ts";

// One simulated study, packed in every way, is found out the same.

const root = mkdtempSync(join(tmpdir(), "ichor-containers-"));
after(() => rmSync(root, { recursive: true, force: true }));
const folder = join(root, "study");
const { signal } = new AbortController();

const size = 16;

/** Logits are means of what the network is shown, so that any other pixel is another score. */
const detector = {
  info: detectorInfo({ preprocessing: { values: "hu", size, fieldOfViewMm: 250 }, neighbours: 1, evidence: "none" }),
  hash: "0".repeat(64),
  async score(hu: Float32Array, slices: number) {
    const sliceLogits = Float32Array.from({ length: slices * 6 }, (_, at) => {
      const slice = hu.subarray(Math.floor(at / 6) * size * size, (Math.floor(at / 6) + 1) * size * size);
      return slice.reduce((sum, value) => sum + value, 0) / slice.length / 1000;
    });
    return { sliceLogits, studyLogits: sliceLogits.slice(0, 6), evidence: undefined };
  },
};

let outs = 0;
async function predictionsOf(input: string, progress: Progress = silent): Promise<{ csv: string; ledger: string }> {
  const out = join(root, `out-${outs++}`);
  must(await detectWith(detector, { inputs: [input], out, threads: 2, progress, signal }));
  const read = (name: string) => readFileSync(join(out, name), "utf8");
  return { csv: read("predictions.csv"), ledger: read("ledger.csv").replaceAll(input, "INPUT") };
}

const packed: { readonly name: string; readonly data: Uint8Array }[] = [];
let plain = { csv: "", ledger: "" };
before(async () => {
  must(
    await makePhantom({
      out: folder,
      studies: 1,
      testStudies: 1,
      seed: 5,
      matrix: 64,
      threads: 1,
      progress: silent,
      signal,
    }),
  );
  for await (const found of walkFiles([folder]))
    if (found.kind === "file") packed.push({ name: relative(folder, found.path), data: readFileSync(found.path) });
  plain = await predictionsOf(folder);
});

const ways = {
  "stored.zip": () => zipOf(packed),
  "deflated.zip": () => zipOf(packed.map((entry) => ({ ...entry, method: "deflated" as const }))),
  "study.tar": () => tarOf(packed),
  "study.tar.gz": () => gzipSync(tarOf(packed)),
};

for (const [name, pack] of Object.entries(ways)) {
  test(`a simulated study in ${name} gives the predictions of its folder`, async () => {
    const archive = join(root, name);
    writeFileSync(archive, pack());
    const read = await predictionsOf(archive);
    assert.ok(plain.csv.split("\n").length > 6 * 50);
    assert.equal(read.csv, plain.csv);
    assert.equal(read.ledger.replaceAll("INPUT!/", "INPUT/"), plain.ledger);
  });
}

test("a folder that vanishes between headers and pixels: its slices are told as failed, the rest is scored", async () => {
  const vanish: Progress = {
    start(name) {
      if (name === "Analysing slices") rmSync(join(folder, "stage_2_train"), { recursive: true });
      return { advance() {}, done() {} };
    },
  };
  const { csv, ledger } = await predictionsOf(folder, vanish);
  const rest = ledger.split("\n").filter((line) => line.includes("stage_2_train/"));
  assert.ok(rest.length >= 28);
  for (const line of rest) assert.match(line, /,failed,not found,/);
  const kept = csv.split("\n");
  assert.ok(kept.length > 6 * 27);
  for (const line of kept) assert.ok(plain.csv.includes(line));
});
