import assert from "node:assert/strict";
import { test } from "node:test";
import { must } from "../base/index.ts";
import { dictionary } from "./dictionary.ts";
import { readDataSet } from "./parse.ts";
import { items } from "./sequences.ts";
import { bytesOf, numbers, text } from "./values.ts";
import { elementsOf } from "./writable-elements.ts";
import { encodeElements } from "./write.ts";
import { writeDataSet } from "./write-data-set.ts";

// Shapes of files that the standard forbids or has retired, and that are met all the same.

const implicit = "1.2.840.10008.1.2";
const explicit = "1.2.840.10008.1.2.1";
const bigEndian = "1.2.840.10008.1.2.2";
const elements = encodeElements({ Modality: "CT", PatientID: "P1", Rows: 4, RescaleSlope: 1 });
const read = (bytes: Uint8Array) => must(readDataSet(bytes, "made here"));
const bytes = (...values: readonly (number | string)[]) =>
  Uint8Array.from(values.flatMap((value) => (typeof value === "number" ? [value] : [...Buffer.from(value, "latin1")])));

test("a file whose meta header names the wrong native syntax is read as its bytes are", () => {
  for (const [named, real] of [
    [implicit, explicit],
    [explicit, implicit],
    [explicit, bigEndian],
    [bigEndian, explicit],
  ] as const) {
    const uid = Buffer.from(named.padEnd(named.length + (named.length % 2), "\0"));
    const right = Buffer.from(writeDataSet(elements, { transferSyntax: real }));
    const at = right.indexOf(Buffer.from([2, 0, 0x10, 0, 0x55, 0x49])) + 6;
    const end = at + 2 + right.readUInt16LE(at);
    const wrong = Buffer.concat([right.subarray(0, at), Buffer.from([uid.length, 0]), uid, right.subarray(end)]);
    const dataSet = read(wrong);
    assert.deepEqual(
      [dataSet.transferSyntax, text(dataSet, "PatientID"), numbers(dataSet, "Rows")?.[0]],
      [real, "P1", 4],
    );
  }
});

test("the length of the meta header may be wrong or missing", () => {
  const right = Buffer.from(writeDataSet(elements, { transferSyntax: explicit }));
  for (const length of [0, 7, 1000, 0xffffffff]) {
    const wrong = Buffer.from(right);
    wrong.writeUInt32LE(length, 140);
    assert.equal(text(read(wrong), "PatientID"), "P1", `${length}`);
  }
  assert.equal(text(read(Buffer.concat([right.subarray(0, 132), right.subarray(144)])), "PatientID"), "P1");
});

test("values of odd length are read, and written in even length", () => {
  const odd = bytes(
    8,
    0,
    0x60,
    0,
    "CS",
    2,
    0,
    "CT",
    0x10,
    0,
    0x20,
    0,
    "LO",
    3,
    0,
    "abc",
    0x10,
    0,
    0x40,
    0,
    "CS",
    1,
    0,
    "F",
  );
  const dataSet = read(odd);
  assert.deepEqual([text(dataSet, "PatientID"), text(dataSet, "PatientSex")], ["abc", "F"]);
  assert.equal(text(read(writeDataSet(elementsOf(dataSet), { transferSyntax: explicit })), "PatientSex"), "F");
});

test("UN of undefined length holds items in implicit VR, whatever lies around it", () => {
  const item = bytes(0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff);
  const content = bytes(0x10, 0, 0x20, 0, 2, 0, 0, 0, "P2");
  const ends = bytes(0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0);
  const unknown = bytes(9, 0, 2, 0x10, "UN", 0, 0, 0xff, 0xff, 0xff, 0xff);
  const after = bytes(0x10, 0, 0x20, 0, "LO", 2, 0, "P1");
  const dataSet = read(Buffer.concat([bytes(8, 0, 0x60, 0, "CS", 2, 0, "CT"), unknown, item, content, ends, after]));
  assert.equal(text(dataSet, "PatientID"), "P1");
  assert.deepEqual(
    items(dataSet, 0x00091002).map((one) => text(one, "PatientID")),
    ["P2"],
  );
});

test("private elements and their sequences are kept and reached by tag", () => {
  const inner = [{ tag: 0x00111001, vr: "US", value: bytes(7, 0) }];
  const made = [
    { tag: 0x00110010, vr: "LO", value: bytes("MAKER ") },
    { tag: 0x00111002, vr: "SQ", value: [[{ tag: 0x00111003, vr: "SQ", value: [inner] }]] },
  ];
  for (const transferSyntax of [implicit, explicit, bigEndian]) {
    const dataSet = read(writeDataSet([...elements, ...made], { transferSyntax, lengths: "undefined" }));
    assert.equal(text(dataSet, 0x00110010), "MAKER");
    const deepest = items(items(dataSet, 0x00111002)[0]!, 0x00111003)[0]!;
    assert.deepEqual([...bytesOf(deepest, 0x00111001)!], transferSyntax === bigEndian ? [0, 7] : [7, 0]);
  }
});

test("group lengths are read over and not written, zeros behind the last element are no elements", () => {
  const length = bytes(8, 0, 0, 0, "UL", 4, 0, 10, 0, 0, 0);
  const dataSet = read(Buffer.concat([length, bytes(8, 0, 0x60, 0, "CS", 2, 0, "CT"), new Uint8Array(1000)]));
  assert.deepEqual([...dataSet.elements.keys()], [0x00080000, dictionary.Modality[0]]);
  assert.deepEqual(
    elementsOf(dataSet).map(({ tag }) => tag),
    [dictionary.Modality[0]],
  );
});
