import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { encodeElements, type WritableElements, writeDataSet, writeDicom } from "../dicom/index.ts";
import { type HeaderOutcome, readSliceHeader, readSliceHeaders, rememberHeaders } from "./slice-header.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-frames-"));
after(() => rmSync(folder, { recursive: true }));

const groups = (frames: number): readonly WritableElements[] =>
  Array.from({ length: frames }, (_, frame) => ({
    PlanePositionSequence: [{ ImagePositionPatient: [0, 0, frame] }],
    PixelValueTransformationSequence: [{ RescaleIntercept: -1024 - frame, RescaleSlope: 1, RescaleType: "HU" }],
  }));

/** An Enhanced CT of frames of 2 × 2 pixels; what they share can be changed. */
function enhanced(frames: number, changes: WritableElements = {}): Uint8Array {
  return writeDicom({
    SOPClassUID: "1.2.840.10008.5.1.4.1.1.2.1",
    SOPInstanceUID: "1.2.3",
    Modality: "CT",
    StudyInstanceUID: "1",
    SeriesInstanceUID: "2",
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    NumberOfFrames: frames,
    Rows: 2,
    Columns: 2,
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    SharedFunctionalGroupsSequence: [{ PlaneOrientationSequence: [{ ImageOrientationPatient: [1, 0, 0, 0, 1, 0] }] }],
    PerFrameFunctionalGroupsSequence: groups(frames),
    PixelData: new Int16Array(frames * 4),
    ...changes,
  });
}

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const reasonOf = (outcome: HeaderOutcome | undefined) =>
  outcome === undefined || outcome.kind === "slice" ? "slice" : `${outcome.kind}: ${outcome.reason}: ${outcome.detail}`;

test("a file of thousands of frames is parsed once: its headers are known when the file is gone", () => {
  const path = fileOf("many.dcm", enhanced(2000));
  const headers = rememberHeaders();
  assert.equal(reasonOf(headers(path, 0)), "slice");
  rmSync(path);
  const last = headers(path, 1999);
  assert.ok(last.kind === "slice");
  const { sliceId, position, intercept } = last.header;
  assert.deepEqual([sliceId, position, intercept], ["1.2.3:2000", [0, 0, 1999], -3023]);
  assert.equal(reasonOf(headers(path, 2000)), "failed: no such frame: frame 2001 of 2000");
});

test("a number of frames that the file does not hold costs nothing and is refused by its bytes", () => {
  const claim = (frames: number) => fileOf("claim.dcm", enhanced(3, { NumberOfFrames: frames }));
  assert.equal(reasonOf(readSliceHeader(claim(3), 2)), "slice");
  assert.match(
    reasonOf(readSliceHeader(claim(2 ** 31 - 1))),
    /^failed: truncated: 24 bytes of pixel data; expected 17179/,
  );
  assert.match(reasonOf(readSliceHeader(claim(4))), /^failed: truncated/);
  assert.match(
    reasonOf(readSliceHeader(claim(2))),
    /^set aside: multi-frame: 3 items of functional groups for 2 frames/,
  );
  assert.match(reasonOf(readSliceHeader(claim(-1))), /^failed: pixel layout/);
});

test("a damaged item costs the frames that it speaks of, or all, and gives none the values of another", () => {
  const whole = enhanced(3);
  const heads: number[] = [];
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0]); // (FFFE,E000)
  for (let at = Buffer.from(whole).indexOf(head); at >= 0; at = Buffer.from(whole).indexOf(head, at + 1))
    heads.push(at);
  assert.equal(heads.length, 11); // 2 shared, 3 × (1 + 2) of frames
  let lost = 0;
  for (const at of heads) {
    const damaged = whole.slice();
    damaged.fill(0xff, at, at + 4);
    for (const outcome of readSliceHeaders(fileOf("damaged.dcm", damaged))) {
      if (outcome.kind !== "slice") lost++;
      else {
        const { frame = 0, position, intercept } = outcome.header;
        assert.deepEqual([position, intercept], [[0, 0, frame], -1024 - frame]);
      }
    }
  }
  assert.ok(lost >= heads.length);
});

test("groups of a frame go before shared ones, and a place is never that of the whole file", () => {
  const own = groups(2);
  const path = fileOf(
    "both.dcm",
    enhanced(2, {
      SharedFunctionalGroupsSequence: [
        {
          PlaneOrientationSequence: [{ ImageOrientationPatient: [1, 0, 0, 0, 1, 0] }],
          PixelValueTransformationSequence: [{ RescaleIntercept: 7, RescaleSlope: 1 }],
        },
      ],
      ImagePositionPatient: [9, 9, 9],
      PixelSpacing: [0.5, 0.5],
      PerFrameFunctionalGroupsSequence: [{ ...own[0], PlanePositionSequence: [] }, own[1] ?? {}],
    }),
  );
  const [first, second] = readSliceHeaders(path);
  assert.match(reasonOf(first), /^set aside: multi-frame: frame 1 has no ImagePositionPatient/);
  assert.ok(second?.kind === "slice");
  assert.deepEqual([second.header.intercept, second.header.pixelSpacing], [-1025, [0.5, 0.5]]);
});

test("an Enhanced CT of one frame is a frame too", () => {
  const only = readSliceHeader(fileOf("one.dcm", enhanced(1)));
  assert.ok(only.kind === "slice");
  assert.deepEqual([only.header.sliceId, only.header.frame], ["1.2.3:1", 0]);
});

test("compressed pixels that the file cuts off fail with the header, before anything is decoded", () => {
  const rle = "1.2.840.10008.1.2.5";
  const text = (value: string) => new TextEncoder().encode(value);
  const cells = { offsetTable: new Uint8Array(0), fragments: [new Uint8Array(64), new Uint8Array(32)] };
  const elements = encodeElements({
    ...{ SOPClassUID: "1.2.840.10008.5.1.4.1.1.2", SOPInstanceUID: "1.2.3", Modality: "CT", SamplesPerPixel: 1 },
    ...{ Rows: 2, Columns: 2, BitsAllocated: 16, BitsStored: 16, HighBit: 15, PixelRepresentation: 1 },
  });
  const whole = writeDataSet(
    [...elements, { tag: 0x0020000d, vr: "UI", value: text("1") }, { tag: 0x7fe00010, vr: "OB", value: cells }],
    { transferSyntax: rle },
  );
  assert.equal(reasonOf(readSliceHeader(fileOf("whole.dcm", whole))), "slice");
  // The delimiter takes the last 8 bytes; behind it 32 of the second fragment.
  for (const missing of [9, 30, 39, 60]) {
    const cut = fileOf("cut.dcm", whole.subarray(0, whole.length - missing));
    assert.match(reasonOf(readSliceHeader(cut)), /^failed: truncated: /, `${missing} bytes`);
  }
});
