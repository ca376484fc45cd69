import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { must } from "../base/index.ts";
import { readCodestream } from "./codecs/codestream.ts";
import { loadCodecs } from "./codecs.ts";
import { encapsulatedFile } from "./encapsulated-fixture.test.ts";
import { readFrameBy } from "./frame.ts";
import { readHeader } from "./header.ts";
import {
  byDcmjs,
  byOpenjph,
  elementsOf,
  type HighThroughput,
  makePicture,
  type Picture,
} from "./htj2k-fixture.test.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-htj2k-"));
after(() => rmSync(folder, { recursive: true }));
before(() => loadCodecs());

const pictures = [
  makePicture(8, "unsigned"),
  makePicture(12, "unsigned"),
  makePicture(12, "signed"),
  makePicture(13, "signed"),
  makePicture(16, "signed"),
  makePicture(16, "unsigned"),
];
const encoders = { openjph: byOpenjph, dcmjs: byDcmjs };

/** The values that each decoder gives for each encoder's stream of a picture. */
async function roundTrips(syntax: string, picture: Picture, how: HighThroughput) {
  const answers: { readonly name: string; readonly values: Int32Array }[] = [];
  for (const [encoder, encode] of Object.entries(encoders)) {
    const stream = await encode(picture, how);
    assert.equal(readCodestream(stream)?.kind, "high-throughput jpeg 2000", encoder);
    const path = join(folder, "one.dcm");
    writeFileSync(path, encapsulatedFile(elementsOf(picture), { syntax, fragments: [stream] }));
    const header = must(readHeader(path));
    for (const codec of ["openjph", "dcmjs"]) {
      const name = `${picture.bits} bits ${picture.sign}, ${encoder} to ${codec}`;
      answers.push({ name, values: Int32Array.from(must(readFrameBy(path, header, { frame: 0, codec })).values) });
    }
  }
  return answers;
}

test("lossless HTJ2K of every depth and sign comes back exactly, by both encoders and both decoders", async () => {
  for (const picture of pictures) {
    for (const [uid, order] of [
      ["1.2.840.10008.1.2.4.201", "LRCP"],
      ["1.2.840.10008.1.2.4.202", "RPCL"],
    ] as const) {
      for (const { name, values } of await roundTrips(uid, picture, { lossy: "lossless", order })) {
        assert.deepEqual(values, picture.values, `${uid}: ${name}`);
      }
    }
  }
});

test("lossy HTJ2K is near the source, and the decoders differ by 1 at most", async () => {
  for (const picture of pictures) {
    const answers = await roundTrips("1.2.840.10008.1.2.4.203", picture, { lossy: "lossy", order: "LRCP" });
    const far = (one: Int32Array, other: Int32Array) =>
      one.reduce((most, value, index) => Math.max(most, Math.abs(value - other[index]!)), 0);
    for (const { name, values } of answers) {
      assert.ok(far(values, picture.values) <= 0.02 * 2 ** picture.bits, name);
    }
    assert.ok(far(answers[0]!.values, answers[1]!.values) <= 1, answers[0]!.name);
    assert.ok(far(answers[2]!.values, answers[3]!.values) <= 1, answers[2]!.name);
  }
});
