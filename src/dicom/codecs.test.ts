import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { must, type Result } from "../base/index.ts";
import {
  makeFiles,
  noEncoders,
  type OracleAnswer,
  type OracleFile,
  oracleFrame,
  readFiles,
} from "./codec-oracle.test.ts";
import { codecs, loadCodecs } from "./codecs.ts";
import { countFrames, readFrameBy, type StoredFrame } from "./frame.ts";
import { readHeader } from "./header.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-codecs-"));
after(() => rmSync(folder, { recursive: true }));
before(() => loadCodecs());

const fixtures = new URL("./fixtures/", import.meta.url).pathname;
const committed = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8")) as OracleAnswer;
const pydicomFiles = "/usr/lib/python3/dist-packages/pydicom/data/test_files";

/** What every codec of the file's syntax that takes its stream makes of a frame. */
function byEachCodec(path: string, frame: number): { readonly codec: string; readonly read: Result<StoredFrame> }[] {
  const header = must(readHeader(path));
  const names = codecs[header.transferSyntax]?.codecs.map(({ name }) => name) ?? [];
  const answers = names.map((codec) => ({ codec, read: readFrameBy(path, header, { frame, codec }) }));
  const taken = answers.filter(({ read }) => read.kind === "ok" || read.problem.kind !== "transfer syntax");
  assert.ok(taken.length > 0, `no codec takes ${path}`);
  return taken;
}

/** Asserts that every codec gives the oracle's values; answers how many files × frames × codecs were compared. */
function compareAll(dir: string, files: readonly OracleFile[]): number {
  let compared = 0;
  for (const file of files) {
    const path = join(dir, file.file);
    assert.equal(countFrames(must(readHeader(path))), file.shape[0]);
    for (let frame = 0; frame < file.shape[0]; frame++) {
      for (const { codec, read } of byEachCodec(path, frame)) {
        const { values, rows, columns } = must(read);
        assert.deepEqual([rows, columns], file.shape.slice(1));
        assert.deepEqual(Int32Array.from(values), oracleFrame(file, frame), `${file.file} by ${codec}, frame ${frame}`);
        compared++;
      }
    }
  }
  return compared;
}

test("every codec gives the pixels of every committed file, to the last bit", () => {
  assert.equal(committed.files.length, 24);
  assert.ok(compareAll(fixtures, committed.files) >= 34);
  const covered = new Set(committed.files.map(({ syntax }) => syntax));
  const others = Object.keys(codecs).filter((uid) => !covered.has(uid));
  const short = others.map((uid) => uid.replace("1.2.840.10008.1.2", ""));
  assert.deepEqual(short, ["", ".1", ".4.201", ".4.202", ".4.203"]); // native and HTJ2K have tests of their own
});

test("every codec gives the pixels of every file that DCMTK and GDCM write", { skip: noEncoders }, () => {
  const made = join(folder, "made");
  mkdirSync(made);
  const { files } = makeFiles(made);
  assert.ok(files.length >= 180, `only ${files.length} files were made`);
  assert.ok(compareAll(made, files) >= 240);
});

/** Its codestream claims 4,292,730,882 tiles: GDCM says so and answers memory that it never wrote. */
const unsound = "JPEG2000-embedded-sequence-delimiter.dcm";

test("pydicom's own files of grey values have pydicom's pixels", { skip: noEncoders }, () => {
  const known = Object.entries(readFiles(pydicomFiles)).filter(([name]) => name !== unsound);
  assert.ok(known.length >= 20);
  for (const [name, { frames }] of known) {
    for (const [frame, wanted] of frames.entries()) {
      for (const { codec, read } of byEachCodec(join(pydicomFiles, name), frame)) {
        const bytes = new Uint8Array(Int32Array.from(must(read).values).buffer);
        assert.equal(createHash("sha256").update(bytes).digest("hex"), wanted, `${name} by ${codec}, frame ${frame}`);
      }
    }
  }
});

const noPydicomFiles = existsSync(pydicomFiles) ? false : "python3-pydicom is not installed";

test("pydicom's broken and coloured files are refused with a reason", { skip: noPydicomFiles }, () => {
  const refusals = {
    [unsound]: "damaged pixel data",
    "MR_truncated.dcm": "truncated",
    "SC_rgb_jpeg.dcm": "pixel layout",
    "SC_rgb_rle.dcm": "pixel layout",
    "liver_1frame.dcm": "pixel layout",
  };
  for (const [name, wanted] of Object.entries(refusals)) {
    const path = join(pydicomFiles, name);
    const read = readFrameBy(path, must(readHeader(path)), { frame: 0, codec: undefined });
    assert.equal(read.kind === "problem" ? read.problem.kind : "read", wanted, name);
  }
});

test("the conformance page has a row for every syntax of the table, and none that is not exact", () => {
  const page = readFileSync(new URL("../../docs/conformance.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `…"));
  for (const uid of Object.keys(codecs)) {
    const short = uid.replace("1.2.840.10008.1.2", "…");
    if (short !== "….4.203")
      assert.ok(
        rows.some((row) => row.startsWith(`| \`${short}\` `)),
        short,
      );
  }
  for (const row of rows) assert.doesNotMatch(row, /off by|failed/);
});
