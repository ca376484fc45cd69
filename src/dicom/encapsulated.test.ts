import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { must, type Result } from "../base/index.ts";
import { openFile } from "../storage/index.ts";
import type { OracleAnswer } from "./codec-oracle.test.ts";
import { oracleFrame } from "./codec-oracle.test.ts";
import { loadCodecs } from "./codecs.ts";
import { indexFrames, joinFragments } from "./encapsulated.ts";
import { type Encapsulation, encapsulatedFile } from "./encapsulated-fixture.test.ts";
import { countFrames, readFrame, type StoredFrame } from "./frame.ts";
import { readHeader } from "./header.ts";
import { ctImageStorage, type WritableElements } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-fragments-"));
after(() => rmSync(folder, { recursive: true }));
before(() => loadCodecs());

const fixtures = new URL("./fixtures/", import.meta.url).pathname;
const committed = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8")) as OracleAnswer;
const three = committed.files.find(({ file }) => file === "u12x3-dcmcjpeg-e1.dcm")!;
const wanted = [0, 1, 2].map((frame) => [...oracleFrame(three, frame)]);

/** The three streams of the committed file, as DCMTK wrote them: an even number of bytes each. */
const streams = (() => {
  const path = join(fixtures, three.file);
  const file = openFile(path);
  const streams = must(indexFrames(file, must(readHeader(path)), 3)).map((frame) => joinFragments(file, frame));
  file.close();
  return streams;
})();

const image: WritableElements = {
  SOPClassUID: ctImageStorage,
  SOPInstanceUID: "2.25.1",
  Modality: "CT",
  SamplesPerPixel: 1,
  NumberOfFrames: 3,
  Rows: 12,
  Columns: 16,
  BitsAllocated: 16,
  BitsStored: 12,
  HighBit: 11,
  PixelRepresentation: 0,
};

let files = 0;
function fileOf(encapsulation: Omit<Encapsulation, "syntax">, elements = image): string {
  const path = join(folder, `${files++}.dcm`);
  writeFileSync(path, encapsulatedFile(elements, { syntax: three.syntax, ...encapsulation }));
  return path;
}

function read(path: string, frame: number): Result<StoredFrame> {
  const header = readHeader(path);
  return header.kind === "problem" ? header : readFrame(path, header.value, frame);
}

const framesOf = (path: string) => [0, 1, 2].map((frame) => [...must(read(path, frame)).values]);
const refusal = (path: string, frame = 0) => {
  const answer = read(path, frame);
  return answer.kind === "problem" ? answer.problem.kind : "read";
};

/** A stream in pieces of so many bytes. */
const cut = (stream: Uint8Array, bytes: number) =>
  Array.from({ length: Math.ceil(stream.length / bytes) }, (_, at) => stream.subarray(at * bytes, (at + 1) * bytes));

/** Each frame in pieces, and where its first fragment's head stands behind the table. */
function inPieces(bytes: number): { readonly fragments: Uint8Array[]; readonly offsets: number[] } {
  const offsets: number[] = [];
  let at = 0;
  const fragments = streams.flatMap((stream) => {
    const pieces = cut(stream, bytes);
    offsets.push(at);
    at += pieces.reduce((sum, piece) => sum + 8 + piece.length, 0);
    return pieces;
  });
  return { fragments, offsets };
}

test("frames of one fragment each are read with and without a basic offset table", () => {
  const { offsets } = inPieces(1e6);
  assert.deepEqual(framesOf(fileOf({ fragments: streams })), wanted);
  assert.deepEqual(framesOf(fileOf({ fragments: streams, offsets })), wanted);
});

test("frames in several fragments are told apart by the table, else by the beginnings of streams", () => {
  for (const bytes of [64, 100, 1000]) {
    const { fragments, offsets } = inPieces(bytes);
    assert.deepEqual(framesOf(fileOf({ fragments, offsets })), wanted, `${bytes} bytes with a table`);
    assert.deepEqual(framesOf(fileOf({ fragments })), wanted, `${bytes} bytes without`);
  }
});

test("an extended offset table tells frames apart that nothing else does", () => {
  const { fragments, offsets } = inPieces(2); // too short for the beginning of a stream to be seen
  assert.equal(refusal(fileOf({ fragments })), "damaged pixel data");
  const ExtendedOffsetTable = new Uint8Array(BigUint64Array.from(offsets, BigInt).buffer);
  assert.deepEqual(framesOf(fileOf({ fragments }, { ...image, ExtendedOffsetTable })), wanted);
});

test("a table that fits no fragment is passed over where the fragments speak for themselves", () => {
  assert.deepEqual(framesOf(fileOf({ fragments: streams, offsets: [0, 7, 21] })), wanted);
  assert.deepEqual(framesOf(fileOf({ fragments: streams, offsets: [0] })), wanted);
});

test("fragments that cannot be told apart are refused", () => {
  const fragments = streams.flatMap((stream) => cut(stream, 64)).slice(1);
  assert.equal(refusal(fileOf({ fragments })), "damaged pixel data");
});

test("padding behind a stream, odd fragments and a missing delimiter do no harm", () => {
  const padded = streams.map((stream) => Buffer.concat([stream, Buffer.alloc(2)]));
  assert.deepEqual(framesOf(fileOf({ fragments: padded })), wanted);
  const odd = streams.map((stream) => Buffer.concat([stream, Buffer.alloc(1)]));
  assert.deepEqual(framesOf(fileOf({ fragments: odd })), wanted);
  assert.deepEqual(framesOf(fileOf({ fragments: streams, after: new Uint8Array(0) })), wanted);
  const next = Uint8Array.of(0xfc, 0xff, 0xfc, 0xff, 0x4f, 0x42, 0, 0, 2, 0, 0, 0, 0, 0); // (FFFC,FFFC)
  assert.deepEqual(framesOf(fileOf({ fragments: streams, after: next })), wanted);
});

test("a fragment that goes beyond the file is truncated, however long it says it is", () => {
  const path = fileOf({ fragments: streams });
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 40));
  assert.equal(refusal(path), "truncated");
  const hostile = Uint8Array.of(0xfe, 0xff, 0, 0xe0, 0xfe, 0xff, 0xff, 0xff); // an item of 4 GB
  assert.equal(refusal(fileOf({ fragments: streams, after: hostile })), "truncated");
});

test("pixels without a fragment, or that begin with no item, are refused", () => {
  assert.equal(refusal(fileOf({ fragments: [] })), "damaged pixel data");
  assert.equal(
    refusal(fileOf({ fragments: [new Uint8Array(0)] }, { ...image, NumberOfFrames: 1 })),
    "damaged pixel data",
  );
  const path = fileOf({ fragments: streams });
  const bytes = readFileSync(path);
  const table = bytes.indexOf(Buffer.from([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]));
  bytes.writeUInt16LE(0x1234, table);
  writeFileSync(path, bytes);
  assert.equal(refusal(path), "damaged pixel data");
});

test("hostile fragments are refused: far too many, or far more bytes than a frame can need", () => {
  const empty = Uint8Array.of(0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0);
  const many = Buffer.concat(Array.from({ length: 2 ** 18 + 1 }, () => empty));
  assert.equal(refusal(fileOf({ fragments: streams, after: many })), "damaged pixel data");
  const one = { ...image, NumberOfFrames: 1 };
  const long = Buffer.concat([streams[0]!, new Uint8Array(2 ** 21)]);
  assert.equal(refusal(fileOf({ fragments: [long] }, one)), "damaged pixel data");
});

test("a frame that the file does not have is refused, and the header's number of frames is bounded by sense", () => {
  const path = fileOf({ fragments: streams });
  assert.equal(refusal(path, 3), "frame");
  const counts = [undefined, "", "0", "-3", "x", "2"].map((NumberOfFrames) => {
    const other = fileOf({ fragments: streams }, { ...image, NumberOfFrames });
    return countFrames(must(readHeader(other)));
  });
  assert.deepEqual(counts, [1, 1, 1, 1, 1, 2]);
});

test("compressed pixels of a defined length and native ones in fragments are refused", () => {
  const native = fileOf({ fragments: streams });
  const bytes = readFileSync(native);
  const at = bytes.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0, 0x4f, 0x42]));
  bytes.writeUInt32LE(bytes.length - at - 12, at + 8);
  writeFileSync(native, bytes);
  assert.equal(refusal(native), "damaged pixel data");
  const path = join(folder, "native-in-fragments.dcm");
  writeFileSync(path, encapsulatedFile(image, { syntax: "1.2.840.10008.1.2.1", fragments: streams }));
  assert.equal(refusal(path), "damaged pixel data");
});

test("only the bytes of the frame are read, not the file", () => {
  const path = fileOf({ fragments: streams });
  const header = must(readHeader(path));
  const file = openFile(path);
  let asked = 0;
  const counting = {
    ...file,
    read: (target: Uint8Array, offset: number) => {
      asked += target.length;
      return file.read(target, offset);
    },
  };
  const frames = must(indexFrames(counting, { ...header }, 3)); // a header that nobody has asked about
  const heads = asked;
  joinFragments(counting, frames[1]!);
  file.close();
  assert.ok(heads <= 4 * 1024, `${heads} bytes of heads`);
  assert.equal(asked - heads, streams[1]!.length);
});
