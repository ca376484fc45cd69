import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { zipOf } from "../../test/archives.ts";
import { walkMedia } from "./media.ts";
import { type WritableElements, writeDicom } from "./write.ts";

const base = mkdtempSync(join(tmpdir(), "ichor-media-"));
after(() => rmSync(base, { recursive: true }));
let folders = 0;

function newFolder(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(base, String(folders++));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** A directory of records as they are given, of which each links to itself and to the first: circles (PS3.3 F.3.2.2). */
function dicomdirOf(references: readonly (string | WritableElements)[]): Uint8Array {
  const records = references.map((reference) => ({
    OffsetOfTheNextDirectoryRecord: 400,
    RecordInUseFlag: 0xffff,
    OffsetOfReferencedLowerLevelDirectoryEntity: 400,
    DirectoryRecordType: "IMAGE",
    ...(typeof reference === "string" ? { ReferencedFileID: reference } : reference),
  }));
  return writeDicom({
    SOPClassUID: "1.2.840.10008.1.3.10",
    SOPInstanceUID: "1.2.3",
    OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity: 400,
    DirectoryRecordSequence: records,
  });
}

/** What a walk finds below a folder: files by name, the rest as "name: status, reason". */
async function walk(folder: string, inputs: readonly string[] = [folder]): Promise<string[]> {
  const found: string[] = [];
  const below = (path: string) => path.replace(folder, "").replace(/^!?\//, "");
  for await (const one of walkMedia(inputs)) {
    if (one.kind === "file") found.push(below(one.shown));
    else found.push(`${below(one.entry.path)}: ${one.entry.status}, ${one.entry.kind}`);
  }
  return found;
}

const files = {
  DICOMDIR: dicomdirOf([
    { DirectoryRecordType: "PATIENT" },
    "A\\ONE",
    "A\\TWO",
    "A\\TWO",
    "A\\GONE",
    "..\\SECRET",
    "A\\\\B",
    "/ETC\\PASSWD",
    "A\\\u001b[2J",
    { ReferencedFileID: "A\\DELETED", RecordInUseFlag: 0 },
  ]),
  "A/ONE": "1",
  "a/two": "2",
  "A/UNNAMED": "3",
  "../SECRET": "none of this medium",
};

const tellings = ["DICOMDIR: set aside, DICOMDIR", ...Array<string>(4).fill("DICOMDIR: failed, outside")];

test("a DICOMDIR among files is told, and so is what it names and is not there", async () => {
  const folder = newFolder(files);
  assert.deepEqual(await walk(folder), [...["A/ONE", "A/UNNAMED"], ...tellings, "A/GONE: failed, missing", "a/two"]);
});

test("a DICOMDIR as the input stands for the files that it names, in any case of letters, and for no others", async () => {
  const folder = newFolder(files);
  const given = [join(folder, "DICOMDIR")];
  assert.deepEqual(await walk(folder, given), [...tellings, "A/ONE", "a/two", "A/GONE: failed, missing"]);
  assert.deepEqual(await walk(folder, [...given, folder]), await walk(folder));
});

test("a DICOMDIR in an archive names entries of the archive", async () => {
  const { "../SECRET": _, ...inside } = files;
  const entries = Object.entries(inside).map(([name, data]) => ({ name: `cd/${name}`, data: Buffer.from(data) }));
  const folder = newFolder({ "cd.zip": zipOf(entries) });
  assert.deepEqual(
    (await walk(join(folder, "cd.zip"))).filter((line) => line.includes("missing")),
    ["cd/A/GONE: failed, missing"],
  );
});

test("a DICOMDIR that is none, is cut off or has damaged records is a line of the ledger", async () => {
  const whole = dicomdirOf(["A\\ONE", "A\\TWO", "A\\THREE"]);
  assert.deepEqual(await walk(newFolder({ DICOMDIR: "text" })), ["DICOMDIR: set aside, not DICOM"]);
  assert.deepEqual(await walk(newFolder({ DICOMDIR: whole.subarray(0, whole.length - 30) })), [
    "DICOMDIR: failed, truncated",
  ]);
  assert.deepEqual(await walk(newFolder({ DICOMDIR: writeDicom({ Modality: "CT" }) })), [
    "DICOMDIR: failed, not a DICOMDIR",
  ]);
  const second = Buffer.from(whole).indexOf(Buffer.of(0xfe, 0xff, 0x00, 0xe0), 450);
  const damaged = Buffer.from(whole);
  damaged[second]! ^= 0xff;
  const [line] = await walk(newFolder({ DICOMDIR: damaged }));
  assert.match(line ?? "", /^DICOMDIR: failed/);
});

const maker = "dcmmkdir"; // of DCMTK
const dcmmkdir = spawnSync(maker, ["--version"]).status === 0;

test("a DICOMDIR made by dcmmkdir gives the files that it was made of", {
  skip: !dcmmkdir && "dcmtk is not installed",
}, async () => {
  const slice = (number: number) =>
    writeDicom({
      ...{ SOPClassUID: "1.2.840.10008.5.1.4.1.1.2", SOPInstanceUID: `1.2.3.${number}`, Modality: "CT" },
      ...{ StudyDate: "20260101", StudyTime: "120000", StudyID: "1", SeriesNumber: 1, InstanceNumber: number },
      ...{ PatientID: "P", PatientName: "P", StudyInstanceUID: "1.2.1", SeriesInstanceUID: "1.2.2" },
      ...{ Rows: 1, Columns: 1, BitsAllocated: 16, PixelData: new Int16Array(1) },
    });
  const folder = newFolder({ "CT/S1": slice(1), "CT/S2": slice(2), "CT/S3": slice(3) });
  const made = spawnSync(maker, ["+id", folder, "+D", join(folder, "DICOMDIR"), "-Pgp", "+r"], {
    encoding: "utf8",
  });
  assert.equal(made.status, 0, made.stderr);
  rmSync(join(folder, "CT/S2"));
  assert.deepEqual(await walk(folder, [join(folder, "DICOMDIR")]), [
    ...["DICOMDIR: set aside, DICOMDIR", "CT/S1", "CT/S2: failed, missing", "CT/S3"],
  ]);
});

const pydicomFiles = "/usr/lib/python3/dist-packages/pydicom/data/test_files/dicomdirtests";
const skip = existsSync(pydicomFiles) ? false : "python3-pydicom's test files are not installed";

for (const name of ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset", "DICOMDIR-reordered"]) {
  test(`pydicom's ${name} gives the files that pydicom finds in it`, { skip }, async () => {
    const folder = newFolder({});
    cpSync(pydicomFiles, folder, { recursive: true });
    cpSync(join(pydicomFiles, name), join(folder, "DICOMDIR"));
    const script = [
      "import pydicom, sys, os",
      "records = pydicom.dcmread(sys.argv[1]).DirectoryRecordSequence",
      "for r in records:",
      "    f = r.get('ReferencedFileID')",
      "    if f: print('/'.join([f] if isinstance(f, str) else f))",
    ].join("\n");
    const run = spawnSync("/usr/bin/python3", ["-W", "ignore", "-c", script, join(folder, "DICOMDIR")], {
      encoding: "utf8",
    });
    assert.equal(run.status, 0, run.stderr);
    const expected = [...new Set(run.stdout.trim().split("\n"))];
    assert.ok(expected.length > 3);
    const found = await walk(folder, [join(folder, "DICOMDIR")]);
    const named = found.slice(1).map((line) => line.replace(/: failed, missing$/, ""));
    assert.deepEqual([...named].sort(), expected.sort());
  });
}
