import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { withoutPydicom } from "../../test/pydicom-oracle.ts";
import { askOracle } from "../../test/python.ts";
import { must } from "../base/index.ts";
import { dictionary, type Keyword } from "./dictionary.ts";
import { readFrame } from "./frame.ts";
import { readHeader } from "./header.ts";
import { readDataSet } from "./parse.ts";
import { numbers, text } from "./values.ts";
import { ctImageStorage, type WritableElements, writeDicom } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-dicom-"));
after(() => rmSync(folder, { recursive: true }));

const skip = withoutPydicom;

const image: WritableElements = {
  SOPClassUID: ctImageStorage,
  SOPInstanceUID: "ID_0123abcde",
  Modality: "CT",
  PatientID: "ID_patient",
  ImagePositionPatient: [-125, -101.5, 62.25],
  SamplesPerPixel: 1,
  Rows: 4,
  Columns: 3,
  BitsAllocated: 16,
  BitsStored: 12,
  HighBit: 11,
  PixelRepresentation: 1,
  PixelPaddingValue: -2000,
  ReferencedImageSequence: [{ ReferencedSOPInstanceUID: "1.2.3" }, { ReferencedSOPInstanceUID: "1.2.4" }],
  PixelData: Int16Array.from({ length: 12 }, (_, index) => index * 300 - 1800),
};

const fileOf = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

test("stored values of every native layout that pydicom writes are pydicom's", { skip }, () => {
  const made = join(folder, "made");
  mkdirSync(made);
  askOracle("pydicom_values.py", ["make", made]);
  const wanted = JSON.parse(askOracle("pydicom_values.py", ["read", made])) as Record<
    string,
    { stored: string; rows: number; columns: number }
  >;
  assert.ok(Object.keys(wanted).length >= 80);
  for (const [name, { stored, rows, columns }] of Object.entries(wanted)) {
    const path = join(made, name);
    const frame = must(readFrame(path, must(readHeader(path))));
    const digest = createHash("sha256").update(BigInt64Array.from(frame.values, BigInt)).digest("hex");
    assert.deepEqual([digest, frame.rows, frame.columns], [stored, rows, columns], name);
  }
});

for (const vr of ["explicit", "implicit"] as const) {
  test(`what is written in ${vr} VR is read as it was`, () => {
    const header = must(readHeader(fileOf(`${vr}.dcm`, writeDicom(image, { vr }))));
    assert.equal(text(header, "PatientID"), "ID_patient");
    assert.deepEqual(numbers(header, "ImagePositionPatient"), [-125, -101.5, 62.25]);
    assert.deepEqual(numbers(header, "PixelPaddingValue"), [-2000]);
    assert.equal(text(header, "StudyDescription"), undefined);
    assert.deepEqual(
      [...must(readFrame(join(folder, `${vr}.dcm`), header)).values],
      [...(image.PixelData as Int16Array)],
    );
  });
}

test("bits above HighBit do not reach a value: masked where unsigned, the sign extended where signed", () => {
  const cells = Uint16Array.of(0xf801, 0x07ff, 0xffff);
  const layout = { ...image, Rows: 1, Columns: 3, PixelData: cells };
  for (const [PixelRepresentation, wanted] of [
    [1, [-2047, 2047, -1]],
    [0, [0x801, 0x7ff, 0xfff]],
  ] as const) {
    const path = fileOf("garbage.dcm", writeDicom({ ...layout, PixelRepresentation, PixelPaddingValue: 0 }));
    assert.deepEqual([...must(readFrame(path, must(readHeader(path)))).values], wanted);
  }
});

test("a header longer than the first read is read whole", () => {
  const path = fileOf("long.dcm", writeDicom({ ...image, ImageComments: "x".repeat(9000) }));
  assert.equal(text(must(readHeader(path)), "ImageComments")?.length, 9000);
});

test("a file without preamble, or without a meta header, is read", () => {
  const whole = writeDicom(image);
  assert.equal(text(must(readDataSet(whole.subarray(132), "no preamble")), "Modality"), "CT");
  for (const vr of ["explicit", "implicit"] as const) {
    const bytes = writeDicom(image, { vr });
    const meta = 132 + 12 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(140, true);
    assert.equal(text(must(readDataSet(bytes.subarray(meta), "no meta header")), "Modality"), "CT");
  }
});

/** The eight bytes of a delimiter, or of an item's head. */
const delimiter = (element: number, length: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 0xfffe, true);
  view.setUint16(2, element, true);
  view.setUint32(4, length, true);
  return new Uint8Array(view.buffer);
};
const openItem = delimiter(0xe000, 0xffffffff);
const closeItem = delimiter(0xe00d, 0);
const closeSequence = delimiter(0xe0dd, 0);
const openSequence = Uint8Array.of(0x08, 0, 0x40, 0x11, 0x53, 0x51, 0, 0, 0xff, 0xff, 0xff, 0xff); // (0008,1140) SQ
const patient = Uint8Array.of(0x10, 0, 0x20, 0, 0x4c, 0x4f, 2, 0, 0x50, 0x20); // (0010,0020) LO "P "
const start = writeDicom({ Modality: "CT" }).subarray(132);
const readParts = (...parts: readonly Uint8Array[]) => readDataSet(Buffer.concat([start, ...parts]), "made here");
const patientOf = (...parts: readonly Uint8Array[]) => text(must(readParts(...parts)), "PatientID");

test("sequences of undefined length are passed over, nested ones too, and endless ones are refused", () => {
  const nested = (depth: number): Uint8Array[] => [
    ...Array.from({ length: depth }, () => [openSequence, openItem]).flat(),
    ...Array.from({ length: depth }, () => [closeItem, closeSequence]).flat(),
  ];
  assert.equal(patientOf(...nested(9), patient), "P");
  const deep = readParts(...nested(5000), patient);
  assert.equal(deep.kind === "problem" && deep.problem.kind, "damaged");
});

test("a delimiter that is missing is forgiven where the next element cannot belong to the sequence", () => {
  const emptyItem = delimiter(0xe000, 0);
  assert.equal(patientOf(openSequence, emptyItem, patient), "P");
  assert.equal(patientOf(openSequence, openItem, closeSequence, patient), "P");
  assert.equal(patientOf(openSequence, patient), "P");
  const cut = readParts(openSequence, openItem);
  assert.equal(cut.kind === "problem" && cut.problem.kind, "truncated");
});

test("an implicit element among explicit ones is read, as some writers make them", () => {
  const implicit = Uint8Array.of(0x09, 0, 0x10, 0, 4, 0, 0, 0, 0x41, 0x42, 0x43, 0x20); // (0009,0010), 4 bytes
  assert.equal(patientOf(implicit, patient), "P");
});

test("more elements than a header can have are refused before they fill the memory", () => {
  const bytes = new DataView(new ArrayBuffer(70_000 * 8));
  for (let at = 0; at < 70_000; at++) {
    bytes.setUint16(8 * at, 0x0011 + 2 * (at >> 16), true);
    bytes.setUint16(8 * at + 2, at & 0xffff, true);
  }
  const many = readParts(new Uint8Array(bytes.buffer));
  assert.equal(many.kind === "problem" && many.problem.kind, "damaged");
});

test("numbers are decimal, padding has the sign of the pixels, text has the characters of its set", () => {
  const read = (elements: WritableElements) => must(readDataSet(writeDicom(elements), "made here"));
  assert.deepEqual(numbers(read({ PixelSpacing: "0.5\\ 5e-1 " }), "PixelSpacing"), [0.5, 0.5]);
  for (const wrong of ["0x10", "1e999", "1\\", "one", "NaN"])
    assert.equal(numbers(read({ RescaleSlope: wrong }), "RescaleSlope"), undefined, wrong);
  const unsigned = Buffer.from(writeDicom(image)); // a writer that says US although its pixels are signed
  unsigned.write("US", unsigned.indexOf(Buffer.from([0x28, 0, 0x20, 1])) + 4, "latin1");
  assert.deepEqual(numbers(must(readDataSet(unsigned, "made here")), "PixelPaddingValue"), [-2000]);
  assert.equal(text(read({ SpecificCharacterSet: "ISO_IR 192", PatientName: "Müller" }), "PatientName"), "Müller");
});

test("a decimal is the float64 nearest to its text, however it is written", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 18 });
  const parts = fc.tuple(fc.constantFrom("", "-", "+"), digits, fc.constantFrom("", "."), digits);
  const decimals = fc.array(fc.tuple(parts, fc.constantFrom("", "", "e3", "E-7", " ", "  ", "x")), { minLength: 1 });
  const same = fc.property(decimals, (drawn) => {
    const texts = drawn.map(([part, end]) => part.join("") + end);
    const values = texts.map((one) => (/\d/.test(one) && !one.includes("x") ? Number(one) : Number.NaN));
    // not by `writeDicom`, which shortens decimals to 16 characters
    const value = Buffer.from(texts.join("\\").padEnd(400));
    const head = Buffer.from([0x28, 0, 0x53, 0x10, 0x44, 0x53, value.length & 0xff, value.length >> 8]);
    const header = must(readDataSet(Buffer.concat([writeDicom({ Modality: "CT" }), head, value]), "made here"));
    const read = numbers(header, "RescaleSlope");
    assert.deepEqual(read, values.every(Number.isFinite) ? values : undefined, texts.join("\\"));
  });
  fc.assert(same, { numRuns: 500 });
});

test("whatever is written is read again", () => {
  const layouts = fc.record({
    vr: fc.constantFrom("explicit" as const, "implicit" as const),
    columns: fc.integer({ min: 1, max: 9 }),
    signed: fc.boolean(),
    bits: fc.integer({ min: 1, max: 16 }),
    spacing: fc.tuple(fc.float({ noNaN: true, min: 0.25, max: 2 }), fc.float({ noNaN: true, min: 0.25, max: 2 })),
    seeds: fc.array(fc.nat(65_535), { minLength: 27, maxLength: 27 }),
  });
  const identity = fc.property(layouts, ({ vr, columns, signed, bits, spacing, seeds }) => {
    const values = seeds.slice(0, 3 * columns).map((seed) => (seed % 2 ** bits) - (signed ? 2 ** (bits - 1) : 0));
    const PixelData = signed ? Int16Array.from(values) : Uint16Array.from(values);
    const elements = { ...image, Rows: 3, Columns: columns, BitsStored: bits, HighBit: bits - 1, PixelData };
    const written = writeDicom({ ...elements, PixelRepresentation: signed ? 1 : 0, PixelSpacing: spacing }, { vr });
    const path = fileOf("any.dcm", written);
    const header = must(readHeader(path));
    const near = numbers(header, "PixelSpacing")?.every((mm, axis) => Math.abs(mm - spacing[axis]!) < 1e-12);
    assert.ok(near, "16 characters hold 12 decimals");
    assert.deepEqual([...must(readFrame(path, header)).values], values);
  });
  fc.assert(identity, { numRuns: 100, seed: 2 });
});

test("a file of another syntax is refused by the name of the syntax", () => {
  const bytes = Buffer.from(writeDicom(image));
  for (const [uid, name] of [
    ["1.2.840.10008.1.2.4.100", "MPEG2 Main Profile"],
    ["1.2.840.10008.1.2.4.94", "JPIP Referenced"],
  ] as const) {
    const at = bytes.indexOf("1.2.840.10008.1.2.1\0");
    const changed = Buffer.concat([
      bytes.subarray(0, at - 2),
      Buffer.from([uid.length + (uid.length % 2), 0]),
      Buffer.from(uid.padEnd(uid.length + (uid.length % 2), "\0")),
      bytes.subarray(at + 20),
    ]);
    // The group's length is now wrong, as in real files; elements are walked by their group.
    const path = fileOf("other.dcm", changed);
    const header = readHeader(path);
    const refused = header.kind === "problem" ? header : readFrame(path, header.value);
    assert.ok(
      refused.kind === "problem" && refused.problem.kind === "transfer syntax" && refused.problem.got.includes(name),
      JSON.stringify(refused),
    );
  }
});

test("pixel data that end too early are refused with both lengths", () => {
  const bytes = writeDicom(image);
  const path = fileOf("cut.dcm", bytes.subarray(0, bytes.length - 5));
  const frame = readFrame(path, must(readHeader(path)));
  assert.ok(frame.kind === "problem" && frame.problem.kind === "truncated");
  assert.match(`${frame.problem.got} ${frame.problem.expected}`, /19 bytes.*24 bytes/);
});

test("any mutilation of a file yields a value or a problem, never a throw", () => {
  const whole = writeDicom(image);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(whole.length),
      (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const path = fileOf("mutilated.dcm", bytes);
        const header = readHeader(path);
        if (header.kind === "problem") return;
        readFrame(path, header.value);
        for (const keyword of Object.keys(dictionary) as Keyword[]) {
          text(header.value, keyword);
          numbers(header.value, keyword);
        }
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});
