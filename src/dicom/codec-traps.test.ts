import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { must, type Result } from "../base/index.ts";
import { openFile } from "../storage/index.ts";
import { type OracleAnswer, type OracleFile, oracleFrame } from "./codec-oracle.test.ts";
import { readCodestream } from "./codecs/codestream.ts";
import { charls, libjpegTurbo, openjph } from "./codecs/cornerstone.ts";
import { dcmjs } from "./codecs/dcmjs.ts";
import type { PixelCodec } from "./codecs/port.ts";
import { codecs, decodeFrame, loadCodecs } from "./codecs.ts";
import { indexFrames, joinFragments } from "./encapsulated.ts";
import { encapsulatedFile } from "./encapsulated-fixture.test.ts";
import { readFrame, type StoredFrame } from "./frame.ts";
import { readHeader } from "./header.ts";
import { type PixelLayout, pixelLayout } from "./pixel-layout.ts";
import { ctImageStorage, type WritableElements } from "./write.ts";

// The traps that were met when the codecs were chosen, each with the case that springs it.

before(() => loadCodecs());
const folder = mkdtempSync(join(tmpdir(), "ichor-traps-"));
after(() => rmSync(folder, { recursive: true }));

const fixtures = new URL("./fixtures/", import.meta.url).pathname;
const committed = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8")) as OracleAnswer;
const fixture = (name: string): OracleFile => {
  const file = committed.files.find((one) => one.file === `${name}.dcm`);
  if (file === undefined) throw new Error(`no committed file is called ${name}`);
  return file;
};

interface Stored {
  readonly uid: string;
  readonly bytes: Uint8Array;
  readonly layout: PixelLayout;
  readonly wanted: Int32Array;
}

/** The stream of a committed file's first frame, and what it decodes to. */
function stored(name: string): Stored {
  const path = join(fixtures, `${name}.dcm`);
  const header = must(readHeader(path));
  const file = openFile(path);
  const [first = []] = must(indexFrames(file, header, fixture(name).shape[0]));
  const bytes = joinFragments(file, first);
  file.close();
  const layout = must(pixelLayout(path, header));
  return { uid: header.transferSyntax, bytes, layout, wanted: oracleFrame(fixture(name), 0) };
}

const readFixture = (name: string): Result<StoredFrame> => {
  const path = join(fixtures, `${name}.dcm`);
  return readFrame(path, must(readHeader(path)));
};

const decode = ({ uid, layout }: Stored, bytes: Uint8Array, codec?: PixelCodec) =>
  decodeFrame(bytes, { uid, layout, codec: codec?.name });

const kindOf = (answer: Result<unknown>) => (answer.kind === "problem" ? answer.problem.kind : "decoded");

test("trap: JPEG extended of 12 bits is decoded by the exact codec only, and refused by name without it", () => {
  const twelve = stored("u12-dcmcjpeg-ee-bt");
  assert.equal(libjpegTurbo.takes(readCodestream(twelve.bytes)), false); // it would throw; others would give rubbish
  assert.deepEqual(Int32Array.from(must(readFixture("u12-dcmcjpeg-ee-bt")).values), twelve.wanted);
  const refused = decode(twelve, twelve.bytes, libjpegTurbo);
  assert.ok(refused.kind === "problem" && refused.problem.kind === "transfer syntax");
  assert.match(refused.problem.got, /JPEG Extended.* of 12 bits/);
});

test("trap: the seventh predictor of JPEG lossless is exact", () => {
  const name = "s16-dcmcjpeg-el-sv-7"; // other decoders are off by 1 in some pixels
  assert.deepEqual(Int32Array.from(must(readFixture(name)).values), oracleFrame(fixture(name), 0));
});

test("trap: a difference of 32768 (SSSS = 16) between pixels of full-range 16 bits is exact", () => {
  const name = "full-dcmcjpeg-e1";
  const values = Int32Array.from(must(readFixture(name)).values);
  assert.deepEqual(values, oracleFrame(fixture(name), 0));
  assert.equal(Math.min(...values), -32768);
  assert.equal(Math.max(...values), 32767);
});

test("trap: near-lossless JPEG-LS of signed pixels wraps at the ends of the range, as every decoder does", () => {
  const name = "full-gdcmconv-jpegls-lossy"; // NEAR = 3
  const values = Int32Array.from(must(readFixture(name)).values);
  assert.deepEqual(values, oracleFrame(fixture(name), 0));
  const source = oracleFrame(fixture("full-dcmcjpeg-e1"), 0);
  const errors = values.map((value, index) => Math.abs(value - source[index]!));
  assert.ok(
    errors.every((error) => error <= 3 || error >= 65533),
    `${Math.max(...errors)}`,
  );
  assert.ok(errors.some((error) => error >= 65533)); // so the trap is in the file
});

test("trap: truncated JPEG lossless is refused wherever it is cut, also behind a false end", () => {
  const whole = stored("s16-dcmcjpeg-el-sv-7");
  for (let bytes = 0; bytes < whole.bytes.length - 2; bytes += 3) {
    const cut = whole.bytes.subarray(0, bytes);
    assert.match(kindOf(decode(whole, cut)), /^(truncated|damaged pixel data)$/, `${bytes} bytes`);
  }
  const end = Buffer.from([0xff, 0xd9]);
  for (const share of [0.3, 0.5, 0.8]) {
    const cut = Buffer.concat([whole.bytes.subarray(0, Math.floor(whole.bytes.length * share)), end]);
    assert.equal(kindOf(decode(whole, cut)), "damaged pixel data", `${share} of the stream`);
  }
});

test("every truncated stream is refused, by whatever codec", () => {
  const names = committed.files.filter(({ syntax }) => codecs[syntax]!.frames !== "native").map(({ file }) => file);
  for (const name of names) {
    const whole = stored(name.replace(".dcm", ""));
    for (const codec of codecs[whole.uid]!.codecs) {
      for (const share of [0.1, 0.5, 0.9]) {
        const cut = whole.bytes.subarray(0, Math.floor(whole.bytes.length * share));
        assert.notEqual(kindOf(decode(whole, cut, codec)), "decoded", `${name} by ${codec.name}, ${share}`);
      }
    }
  }
});

test("trap: what was decoded stays as it was when the next frame is decoded, and is no view of the codec's heap", () => {
  const path = join(fixtures, "u12x3-dcmcjpeg-e1.dcm");
  const header = must(readHeader(path));
  const frames = [0, 1, 2].map((frame) => must(readFrame(path, header, frame)).values);
  for (const [frame, values] of frames.entries()) {
    assert.deepEqual(Int32Array.from(values), oracleFrame(fixture("u12x3-dcmcjpeg-e1"), frame));
  }
  for (const name of ["u8-dcmcjpeg-eb", "s16-dcmcjpls", "s12-gdcmconv-j2k"]) {
    const { values } = must(readFixture(name));
    const before = values.slice();
    for (const other of committed.files) readFixture(other.file.replace(".dcm", ""));
    assert.deepEqual(values, before);
    assert.equal(values.buffer.byteLength, values.byteLength, name);
  }
});

test("trap: openjph leaves plain JPEG 2000 to others, and its empty answer is a problem", () => {
  const plain = stored("s12-gdcmconv-j2k");
  const stream = readCodestream(plain.bytes);
  assert.equal(openjph.takes(stream), false);
  assert.equal(kindOf(openjph.decode({ bytes: plain.bytes, layout: plain.layout, stream })), "damaged pixel data");
});

test("trap: a codec that failed decodes the next frame right, and failures do not pile up memory", () => {
  const cases = [
    { codec: dcmjs, name: "s16-dcmcjpeg-el-sv-7" },
    { codec: charls, name: "s16-dcmcjpls" },
    { codec: libjpegTurbo, name: "u8-dcmcjpeg-eb" },
    { codec: dcmjs, name: "s12-gdcmconv-j2k" },
  ];
  for (const { codec, name } of cases) {
    const sound = stored(name);
    const garbled = Uint8Array.from(sound.bytes, (byte, index) => (index > 60 && index % 7 === 0 ? 0x55 : byte));
    for (let times = 0; times < 5; times++) {
      const stream = readCodestream(sound.bytes);
      codec.decode({ bytes: garbled, layout: sound.layout, stream }); // whatever comes of it
      const cells = must(codec.decode({ bytes: sound.bytes, layout: sound.layout, stream }));
      assert.equal(cells.bytes.length, sound.layout.rows * sound.layout.columns * cells.bytesPerCell);
      assert.deepEqual(cells, must(codec.decode({ bytes: sound.bytes, layout: sound.layout, stream })));
    }
    assert.ok(codec.heapBytes() <= 512 * 2 ** 20);
  }
});

test("trap: a thousand frames leave a codec's heap as it was", () => {
  for (const [codec, name] of [
    [dcmjs, "s16-dcmcjpeg-el-sv-7"],
    [charls, "s16-dcmcjpls"],
    [libjpegTurbo, "u8-dcmcjpeg-eb"],
  ] as const) {
    const { bytes, layout } = stored(name);
    const stream = readCodestream(bytes);
    must(codec.decode({ bytes, layout, stream }));
    const before = codec.heapBytes();
    for (let frame = 0; frame < 1000; frame++) codec.decode({ bytes, layout, stream });
    assert.equal(codec.heapBytes(), before, codec.name);
  }
});

test("a stream of another size than the header says is refused before it is decoded, bombs among them", () => {
  const small = stored("s12-gdcmconv-j2k");
  for (const [rows, columns] of [
    [12, 15],
    [16, 12],
    [8192, 8192],
  ] as const) {
    assert.equal(
      kindOf(decode({ ...small, layout: { ...small.layout, rows, columns } }, small.bytes)),
      "damaged pixel data",
    );
  }
  const bomb = Uint8Array.from(small.bytes);
  const view = new DataView(bomb.buffer);
  view.setUint32(8, 65535); // Xsiz
  view.setUint32(12, 65535); // Ysiz
  assert.equal(kindOf(decode(small, bomb)), "damaged pixel data");
  // and a header that claims as much is refused by itself
  const path = join(folder, "bomb.dcm");
  const bytes = readFileSync(join(fixtures, "s12-gdcmconv-j2k.dcm"));
  for (const element of [0x10, 0x11]) {
    const at = bytes.indexOf(Buffer.from([0x28, 0, element, 0, 0x55, 0x53, 2, 0]));
    bytes.writeUInt16LE(65535, at + 8);
  }
  writeFileSync(path, bytes);
  const header = must(readHeader(path));
  assert.equal(kindOf(readFrame(path, header)), "pixel layout");
});

const twelveBySixteen: WritableElements = {
  SOPClassUID: ctImageStorage,
  SOPInstanceUID: "2.25.1",
  SamplesPerPixel: 1,
  Rows: 12,
  Columns: 16,
  BitsAllocated: 16,
  BitsStored: 16,
  HighBit: 15,
  PixelRepresentation: 1,
};

function readStream(fragment: Uint8Array, elements: WritableElements, syntax: string): Result<StoredFrame> {
  const path = join(folder, "stream.dcm");
  writeFileSync(path, encapsulatedFile(elements, { syntax, fragments: [fragment] }));
  return readFrame(path, must(readHeader(path)));
}

test("trap: JPEG 2000 without sign in a file of signed pixels is two's complement of the stream's depth", () => {
  const { bytes, uid, wanted } = stored("u8-gdcmconv-j2k"); // 200 in 8 bits is −56, as pydicom has it
  const { values } = must(readStream(bytes, twelveBySixteen, uid));
  assert.deepEqual(
    [...values],
    Array.from(wanted, (value) => (value > 127 ? value - 256 : value)),
  );
  const unsigned = must(readStream(bytes, { ...twelveBySixteen, PixelRepresentation: 0 }, uid));
  assert.deepEqual([...unsigned.values], [...wanted]);
});

test("samples of as many bits as BitsStored lie at the bottom, whatever HighBit says", () => {
  const { bytes, uid, wanted } = stored("u8-gdcmconv-j2k");
  const high = { ...twelveBySixteen, BitsStored: 8, HighBit: 15, PixelRepresentation: 0 };
  assert.deepEqual([...must(readStream(bytes, high, uid)).values], [...wanted]);
});

test("a codestream in the boxes of a JP2 file is taken out of them", () => {
  const { bytes, uid, wanted } = stored("u8-gdcmconv-j2k");
  const box = (type: string, content: Uint8Array) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + content.length);
    head.write(type, 4, "latin1");
    return Buffer.concat([head, content]);
  };
  const boxes = [box("jP  ", Uint8Array.of(13, 10, 135, 10)), box("ftyp", Buffer.from("jp2 ")), box("jp2c", bytes)];
  const plain = { ...twelveBySixteen, PixelRepresentation: 0 };
  assert.deepEqual([...must(readStream(Buffer.concat(boxes), plain, uid)).values], [...wanted]);
});

test("lossy samples that overshoot BitsStored are cut to its range in place of wrapping to its other end", () => {
  const lossy = stored("u12-gdcmconv-j2k-lossy");
  const raw = must(decode(lossy, lossy.bytes));
  const samples = new Uint16Array(raw.bytes.buffer);
  assert.ok(samples.some((sample) => sample > 4095)); // so the trap is in the file
  assert.deepEqual(Int32Array.from(must(readFixture("u12-gdcmconv-j2k-lossy")).values), lossy.wanted);
});

test("a stream of another kind than its syntax is refused by what it is", () => {
  const jpeg = stored("u8-dcmcjpeg-eb");
  const refused = decodeFrame(jpeg.bytes, { uid: "1.2.840.10008.1.2.4.90", layout: jpeg.layout, codec: undefined });
  assert.ok(refused.kind === "problem" && refused.problem.got === "jpeg");
});

test("whatever bytes are changed in a compressed file, there is a value or a problem, never a throw", () => {
  const names = committed.files.map(({ file }) => file);
  const path = join(folder, "changed.dcm");
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }), {
        minLength: 1,
        maxLength: 4,
      }),
      (name, changes) => {
        const bytes = readFileSync(join(fixtures, name));
        for (const { at, byte } of changes) bytes[Math.min(bytes.length - 1, Math.floor(at * bytes.length))] = byte;
        writeFileSync(path, bytes);
        const header = readHeader(path);
        if (header.kind === "ok") readFrame(path, header.value);
      },
    ),
    { seed: 9, numRuns: 150 },
  );
});
