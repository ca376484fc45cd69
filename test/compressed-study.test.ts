import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { must, silent } from "../src/base/index.ts";
import { buildCache, buildIndex, openIndex } from "../src/dataset/index.ts";
import { detect } from "../src/detection/index.ts";
import { noEncoders } from "../src/dicom/codec-oracle.test.ts";
import { encapsulate } from "../src/dicom/encapsulated-fixture.test.ts";
import { byOpenjph } from "../src/dicom/htj2k-fixture.test.ts";
import { numbers, readFrame, readHeader } from "../src/dicom/index.ts";
import { exportDetector, initialise, models } from "../src/models/index.ts";
import { makePhantom } from "../src/phantom/index.ts";
import { detectorInfo } from "./detector-info.ts";

// A study compressed without loss is the same study: same HU, same predictions, from the files to the findings.

const root = mkdtempSync(join(tmpdir(), "ichor-compressed-"));
after(() => rmSync(root, { recursive: true, force: true }));
const common = { threads: 1, progress: silent, signal: new AbortController().signal };
const preprocessing = { values: "hu", size: 32, fieldOfViewMm: 240 } as const;

/** Two studies of the pixels of two kinds of scanner. */
async function phantom(): Promise<string> {
  const out = join(root, "phantom");
  must(await makePhantom({ ...common, out, studies: 2, testStudies: 0, seed: 3, matrix: 48, slices: 5 }));
  return join(out, "stage_2_train");
}

/** Name of the syntax, and what writes a file of it. */
const byTool: Readonly<Record<string, readonly string[]>> = {
  "big endian": ["dcmconv", "+tb"],
  deflated: ["dcmconv", "+td"],
  rle: ["dcmcrle"],
  "jpeg lossless": ["dcmcjpeg", "+el", "+sv", "6"],
  "jpeg lossless sv1": ["dcmcjpeg", "+e1"],
  "jpeg-ls": ["dcmcjpls"],
  "jpeg 2000": ["gdcmconv", "--j2k"],
};

const highThroughput = {
  htj2k: ["1.2.840.10008.1.2.4.201", "LRCP"],
  "htj2k rpcl": ["1.2.840.10008.1.2.4.202", "RPCL"],
} as const;

function convert([command = "", ...flags]: readonly string[], from: string, to: string): void {
  for (const name of readdirSync(from)) {
    const done = spawnSync(command, [...flags, join(from, name), join(to, name)]);
    assert.equal(done.status, 0, `${command} ${name}: ${done.stderr}`);
  }
}

async function convertHtj2k(
  [syntax, order]: readonly [string, "LRCP" | "RPCL"],
  from: string,
  to: string,
): Promise<void> {
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    const header = must(readHeader(path));
    const { values, rows, columns } = must(readFrame(path, header));
    const bits = numbers(header, "BitsStored")?.[0] ?? 0;
    const sign = numbers(header, "PixelRepresentation")?.[0] === 1 ? "signed" : "unsigned";
    const picture = { rows, columns, bits, sign, values: Int32Array.from(values) } as const;
    const stream = await byOpenjph(picture, { lossy: "lossless", order });
    const head = readFileSync(path).subarray(0, (header.pixelData?.offset ?? 0) - 12); // before the element's head
    writeFileSync(join(to, name), encapsulate(head, { syntax, fragments: [stream] }));
  }
}

/** Hashes of the HU by the cache, in the index's order, and the predictions of a detector of random weights. */
async function seen(folder: string, model: string) {
  const index = must(await buildIndex({ ...common, root: folder, out: `${folder}-index` }));
  const table = must(await openIndex(index.index));
  const cache = must(await buildCache({ ...common, table, preprocessing, dir: `${folder}-cache` }));
  cache.close();
  const out = `${folder}-findings`;
  must(await detect({ ...common, inputs: [folder], out, model }));
  const predictions = readFileSync(join(out, "predictions.csv"), "utf8").trimEnd().split("\n");
  return { used: index.ledger.used, hashes: cache.pixelHashes, predictions };
}

test("a study in any lossless syntax has the HU and the predictions of the native one", {
  skip: noEncoders,
}, async () => {
  const native = await phantom();
  const network = models.cnn.build({ size: 32, neighbours: 3, width: 4 }, "slices");
  const info = detectorInfo({ preprocessing, neighbours: 3, windows: [{ name: "brain", center: 40, width: 80 }] });
  const model = join(root, "model.onnx");
  writeFileSync(model, exportDetector(network, initialise(network, 1), info));
  const wanted = await seen(native, model);
  assert.equal(wanted.used, 10);
  assert.ok(wanted.hashes.every((hash) => hash !== undefined));
  const folderFor = (name: string) => {
    const folder = join(root, name);
    mkdirSync(folder);
    return folder;
  };
  for (const [name, command] of Object.entries(byTool)) {
    const folder = folderFor(name);
    convert(command, native, folder);
    assert.deepEqual(await seen(folder, model), wanted, name);
  }
  for (const [name, how] of Object.entries(highThroughput)) {
    const folder = folderFor(name);
    await convertHtj2k(how, native, folder);
    assert.deepEqual(await seen(folder, model), wanted, name);
  }
});
