// A file for people: its elements, and its slice in the terminal and as PNG.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inflateSync } from "node:zlib";
import { writeDataSet, writeDicom } from "../../src/dicom/index.ts";
import { zipOf } from "../archives.ts";
import { ichor } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-inspect-"));
after(() => rmSync(folder, { recursive: true }));

const slice = {
  SOPClassUID: "1.2.840.10008.5.1.4.1.1.2",
  SOPInstanceUID: "1.2.3",
  Modality: "CT",
  PatientName: "Doe^John",
  StudyInstanceUID: "1.2",
  SeriesInstanceUID: "1.2.1",
  ReferencedImageSequence: [{ ReferencedSOPInstanceUID: "1.2.9" }],
  SamplesPerPixel: 1,
  PhotometricInterpretation: "MONOCHROME2",
  Rows: 8,
  Columns: 8,
  BitsAllocated: 16,
  BitsStored: 16,
  HighBit: 15,
  PixelRepresentation: 1,
  RescaleIntercept: -1024,
  RescaleSlope: 1,
  // Water on the left, bone on the right.
  PixelData: Int16Array.from({ length: 64 }, (_, at) => (at % 8 < 4 ? 1024 : 2024)),
};
const path = (name: string, content: Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const ct = path("ct.dcm", writeDicom(slice));

test("elements are printed with their names, items below their sequence, and the slice is drawn", async () => {
  const { code, stdout } = await ichor(["inspect", ct, "--window", "40/80"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\(0010,0010\) PN PatientName +Doe\^John$/m);
  assert.match(stdout, /^\(0028,1052\) DS RescaleIntercept +-1024$/m);
  assert.match(
    stdout,
    /^\(0008,1140\) SQ ReferencedImageSequence +1 items\n {2}item 1\n {2}\(0008,1155\) UI ReferencedSOPIn/m,
  );
  assert.match(stdout, /picture: frame 1 in HU, window 40\/80\n(?: {4}@{4}\n){4}$/);
});

test("a window is a name or center/width; anything else is refused with the names", async () => {
  const bone = await ichor(["inspect", ct, "--window", "bone"]);
  assert.match(bone.stdout, /window 600\/2800/);
  const wrong = await ichor(["inspect", ct, "--window", "liver"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /brain, subdural, stroke, bone, soft or center\/width/);
});

test("the PNG has the slice at its full size, through the window", async () => {
  const png = join(folder, "ct.png");
  assert.equal((await ichor(["inspect", ct, "--png", png, "--width", "0"])).code, 0);
  const content = readFileSync(png);
  assert.deepEqual([content.readUInt32BE(16), content.readUInt32BE(20)], [8, 8]);
  const data = content.subarray(content.indexOf("IDAT") + 4, content.indexOf("IEND") - 8);
  const first = inflateSync(data).subarray(1, 9);
  assert.deepEqual([...first], [0, 0, 0, 0, 255, 255, 255, 255]);
});

test("a picture that is no slice of a CT is drawn from its least to its greatest value", async () => {
  const { stdout } = await ichor(["inspect", path("mr.dcm", writeDicom({ ...slice, Modality: "MR" }))]);
  assert.match(stdout, /picture: frame 1 as stored, 1024 to 2024; no slice of a CT: not CT\n(?: {4}@{4}\n){4}$/);
});

test("a file without pixels has elements and no picture; a PNG of it is refused", async () => {
  const { PixelData: _, ...rest } = slice;
  const file = path("no.dcm", writeDicom(rest));
  assert.match((await ichor(["inspect", file])).stdout, /picture: none: no pixel data/);
  const png = join(folder, "no.png");
  const refused = await ichor(["inspect", file, "--png", png]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /no picture/);
  assert.equal(existsSync(png), false);
});

test("private elements are named by their creator; what would steer a terminal is taken out", async () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const elements = [
    { tag: 0x00080060, vr: "CS", value: text("CT") },
    { tag: 0x0008103e, vr: "LO", value: text("a\x1b[2Jb") },
    { tag: 0x00190010, vr: "LO", value: text("MAKER") },
    { tag: 0x00191001, vr: "LO", value: text("something") },
    { tag: 0x00210010, vr: "LO", value: text("c\x1b[2Jd") },
    { tag: 0x00211001, vr: "LO", value: text("of a maker whose name is none") },
  ];
  const file = path("private.dcm", writeDataSet(elements, { transferSyntax: "1.2.840.10008.1.2.1" }));
  const { stdout } = await ichor(["inspect", file]);
  assert.match(stdout, /^\(0019,1001\) LO private: MAKER +something$/m);
  assert.ok(!stdout.includes("\x1b"));
});

test("--json has every element whole; what is no DICOM is refused", async () => {
  const { stdout } = await ichor(["inspect", ct, "--json"]);
  const { elements } = JSON.parse(stdout) as { elements: { keyword: string; value: string }[] };
  assert.equal(elements.find(({ keyword }) => keyword === "PatientName")?.value, "Doe^John");
  const refused = await ichor(["inspect", path("notes.txt", new TextEncoder().encode("hello"))]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /not DICOM/);
});

test("an entry of an archive is a file; the archive and a folder are refused with what to name", async () => {
  const zip = path("ct.zip", zipOf([{ name: "a.dcm", data: writeDicom(slice), method: "deflated" }]));
  const { code, stdout } = await ichor(["inspect", `${zip}!/a.dcm`, "--width", "0"]);
  assert.equal(code, 0);
  assert.match(stdout, /picture: frame 1 in HU/);
  const archive = await ichor(["inspect", zip]);
  assert.equal(archive.code, 1);
  assert.match(archive.stderr, /next +name an entry of the archive: ichor inspect '.*ct\.zip!\/ENTRY'/);
  assert.match((await ichor(["inspect", folder])).stderr, /next +name a file in it/);
});

test("why there is no picture tells what was wanted", async () => {
  const cut = path("cut.dcm", writeDicom(slice).subarray(0, -2));
  assert.match((await ichor(["inspect", cut])).stdout, /picture: none: truncated \(126 bytes .*; expected 128/);
  const { code, stdout } = await ichor(["inspect", ct, "--frame", "99"]);
  assert.match(stdout, /picture: none: frame \(frame 99; expected one of 1\)/);
  assert.equal(code, 0);
});
