import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { must } from "../base/index.ts";
import { readDataSet } from "./parse.ts";
import { items } from "./sequences.ts";
import { bytesOf, numbers, text } from "./values.ts";
import { type WritableElements, writeDicom } from "./write.ts";

const frame = (z: number): WritableElements => ({
  PlanePositionSequence: [{ ImagePositionPatient: [-125, -125, z] }],
  PixelValueTransformationSequence: [{ RescaleIntercept: -1024, RescaleSlope: 1 }],
});
const enhanced: WritableElements = {
  SpecificCharacterSet: "ISO_IR 192",
  PixelRepresentation: 1,
  PixelPaddingValue: -2000,
  SharedFunctionalGroupsSequence: [{ PixelMeasuresSequence: [{ PixelSpacing: [0.5, 0.5] }] }],
  PerFrameFunctionalGroupsSequence: [frame(0), frame(5), frame(10)],
  RequestAttributesSequence: [{ PatientComments: "Müller", SmallestImagePixelValue: -2000 }, {}],
};

for (const vr of ["explicit", "implicit"] as const) {
  test(`items of items are read in ${vr} VR`, () => {
    const header = must(readDataSet(writeDicom(enhanced, { vr }), "made here"));
    const frames = items(header, "PerFrameFunctionalGroupsSequence");
    assert.deepEqual(
      frames.map((item) => numbers(items(item, "PlanePositionSequence")[0]!, "ImagePositionPatient")?.[2]),
      [0, 5, 10],
    );
    assert.match(items(frames[2]!, "PlanePositionSequence")[0]!.where, /made here: \(5200,9230\) item 3: .* item 1/);
    assert.deepEqual(items(header, "ReferencedImageSequence"), []);
  });
}

test("an item has the character set and the sign of the data set around it", () => {
  const header = must(readDataSet(writeDicom(enhanced), "made here"));
  const [item, empty] = items(header, "RequestAttributesSequence");
  assert.equal(text(item!, "PatientComments"), "Müller");
  assert.deepEqual(numbers(item!, "SmallestImagePixelValue"), [-2000]);
  assert.equal(empty?.elements.size, 0);
  assert.deepEqual(bytesOf(item!, "SmallestImagePixelValue"), Uint8Array.of(0x30, 0xf8)); // −2000
});

/** The file with what stands behind its meta header deflated. */
function deflate(elements: WritableElements, extra = new Uint8Array()): Buffer {
  const bytes = writeDicom(elements);
  const meta = 132 + 12 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(140, true);
  const head = Buffer.from(bytes.subarray(0, meta));
  const at = head.indexOf("1.2.840.10008.1.2.1\0");
  head.writeUInt16LE(22, at - 2);
  head.writeUInt32LE(head.readUInt32LE(140) + 2, 140);
  const uid = Buffer.from("1.2.840.10008.1.2.1.99");
  const body = deflateRawSync(Buffer.concat([bytes.subarray(meta), extra]));
  return Buffer.concat([head.subarray(0, at), uid, head.subarray(at + 20), body]);
}

test("a deflated data set is inflated, and its pixels are in memory", () => {
  const pixels = Uint16Array.from({ length: 64 }, (_, index) => index);
  const header = must(readDataSet(deflate({ ...enhanced, PixelData: pixels }), "made here"));
  assert.equal(text(header, "TransferSyntaxUID"), "1.2.840.10008.1.2.1.99");
  assert.equal(header.transferSyntax, "1.2.840.10008.1.2.1.99");
  assert.equal(items(header, "PerFrameFunctionalGroupsSequence").length, 3);
  const { offset, length, memory } = header.pixelData!;
  assert.equal(length, 128);
  assert.deepEqual(new Uint8Array(memory!.subarray(offset, offset + 128)), new Uint8Array(pixels.buffer));
});

test("a deflated data set that is cut off is truncated, one that inflates without end is too large", () => {
  const whole = deflate({ ...enhanced, ImageComments: "a b c d e f g h" });
  const problemOf = (bytes: Uint8Array) => {
    const read = readDataSet(bytes, "made here");
    return read.kind === "problem" ? read.problem.kind : "none";
  };
  for (let cut = 1; cut <= 40; cut++) assert.equal(problemOf(whole.subarray(0, whole.length - cut)), "truncated");
  const bomb = deflate(enhanced, new Uint8Array(300 * 2 ** 20));
  assert.ok(bomb.length < 2 ** 20);
  assert.equal(problemOf(bomb), "too large");
});
