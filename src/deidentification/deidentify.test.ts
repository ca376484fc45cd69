import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { must, silent } from "../base/index.ts";
import {
  type DataSet,
  items,
  readHeader,
  standardElement,
  text,
  type WritableElement,
  writeDataSet,
} from "../dicom/index.ts";
import { type DeidentifyOptions, deidentify } from "./deidentify.ts";
import { basicProfile } from "./profile-table.ts";
import { pseudonymsFrom } from "./pseudonyms.ts";

const base = mkdtempSync(join(tmpdir(), "ichor-deidentify-"));
after(() => rmSync(base, { recursive: true }));
let folders = 0;
const newFolder = () => join(base, String(folders++));

const syntaxes = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"] as const;

/** What nothing may be left of. */
const secrets = ["SECRET", "19570413", "1.2.3.4242", "424242"];

const bytes = (value: string) => new TextEncoder().encode(value);
const element = (tag: number, vr: string, value: string | Uint8Array | number | WritableElement[]): WritableElement => {
  if (typeof value === "string") return { tag, vr, value: bytes(value) };
  if (typeof value === "number") return { tag, vr, value: Uint8Array.of(value & 0xff, value >>> 8) };
  return { tag, vr, value: value instanceof Uint8Array ? value : [value] };
};

/** A value of each VR that holds a secret. */
function secretOf(vr: string): string | WritableElement[] {
  const values: Readonly<Record<string, string>> = {
    PN: "SECRET^NAME",
    DA: "19570413",
    DT: "19570413101112.77",
    TM: "101112.77",
    UI: "1.2.3.4242.1",
    IS: "424242",
    DS: "424242",
    AS: "042Y",
  };
  if (vr !== "SQ") return values[vr] ?? "SECRET THING";
  return [element(0x00080080, "LO", "SECRET PLACE"), element(0x0040a123, "PN", "SECRET^PERSON")];
}

const fileOf = (transferSyntax: string, elements: readonly WritableElement[]) =>
  writeDataSet(elements, { transferSyntax });

/** What every image has, pixels in front of all; `values` stored for each of 2 × 2 places. */
function image(values: readonly number[] = [1, 2, 3, 4]): WritableElement[] {
  return [
    element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
    element(0x00080018, "UI", "1.2.3.4242.18"),
    element(0x00080060, "CS", "CT"),
    element(0x00080070, "LO", "Maker of scanners"),
    element(0x00100010, "PN", "SECRET^NAME"),
    element(0x00100020, "LO", "SECRETID"),
    element(0x00180060, "DS", "120"),
    element(0x00181210, "SH", "H31s"),
    element(0x0020000d, "UI", "1.2.3.4242.2"),
    element(0x0020000e, "UI", "1.2.3.4242.3"),
    element(0x00280010, "US", 2),
    element(0x00280011, "US", 2),
    element(0x00280100, "US", 16),
    element(0x00280101, "US", 12),
    element(0x00280102, "US", 11),
    element(0x00280103, "US", 0),
    element(0x7fe00010, "OW", new Uint8Array(Uint16Array.from(values).buffer)),
  ];
}

/** Every attribute of the profile's table, each with a secret. */
function everything(): WritableElement[] {
  const own = new Set(image().map(({ tag }) => tag));
  return Object.values(basicProfile)
    .flatMap((text) => text.trim().split(/\s+/))
    .map((digits) => Number.parseInt(digits.replaceAll("x", "0"), 16))
    .filter((tag) => tag >>> 16 >= 8 && tag < 0x7fe00010 && !own.has(tag))
    .map((tag) => {
      const vr = standardElement(tag)?.vr ?? "LO";
      return element(tag, vr, secretOf(vr));
    });
}

const options = {
  pseudonyms: pseudonymsFrom(Buffer.from("a key for nothing but these tests")),
  uids: "replaced",
  dates: "removed",
  descriptors: "removed",
  existing: "refused",
  burnedIn: "set aside",
  progress: silent,
  signal: new AbortController().signal,
} as const;

/** De-identifies files, and gives the new ones with the summary. */
async function run(files: Readonly<Record<string, Uint8Array>>, more: Partial<DeidentifyOptions> = {}) {
  const [from, to] = [newFolder(), newFolder()];
  mkdirSync(from);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(from, name), content);
  const ledger = `${to}.csv`;
  const summary = must(await deidentify({ ...options, from, to, ledger, ...more }));
  const names = readdirSync(to, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".dcm"));
  const written = names.sort().map((name) => {
    const path = join(to, name);
    return { name, path, bytes: readFileSync(path), header: must(readHeader(path)) };
  });
  return { summary, written, from, to, ledger: readFileSync(ledger, "utf8") };
}

function assertNothingLeft(content: Uint8Array, where: string): void {
  const latin = Buffer.from(content).toString("latin1").toUpperCase();
  for (const secret of secrets) assert.ok(!latin.includes(secret), `${where}: ${secret} is left`);
}

for (const syntax of syntaxes) {
  test(`nothing of an identity is left in the bytes, whatever attribute holds it: ${syntax}`, async () => {
    const elements = [...image(), ...everything()];
    assert.ok(Buffer.from(fileOf(syntaxes[1], elements)).toString("latin1").split("SECRET").length > 200); // at first
    for (const dates of ["removed", "moved"] as const) {
      for (const descriptors of ["removed", "cleaned"] as const) {
        const { written } = await run({ "SECRET.dcm": fileOf(syntax, elements) }, { dates, descriptors });
        assert.equal(written.length, 1);
        assertNothingLeft(written[0]!.bytes, `${dates}, ${descriptors}`);
        assertNothingLeft(bytes(written[0]!.name), "the file's name");
      }
    }
  });

  test(`what an image is stays, pixels to the last bit: ${syntax}`, async () => {
    const file = fileOf(syntax, image([0xf001, 2, 3, 4095]));
    const { written } = await run({ "a.dcm": file });
    const { header } = written[0]!;
    assert.equal(text(header, "Manufacturer"), "Maker of scanners");
    assert.equal(text(header, "ConvolutionKernel"), "H31s");
    assert.equal(text(header, "KVP"), "120");
    const pixels = Buffer.from(Uint16Array.from([0xf001, 2, 3, 4095]).buffer);
    assert.deepEqual(written[0]!.bytes.subarray(-8), header.byteOrder === "big" ? pixels.swap16() : pixels);
  });
}

const explicit = (elements: readonly WritableElement[]) => fileOf("1.2.840.10008.1.2.1", elements);
const codesOf = (header: DataSet) =>
  items(header, "DeidentificationMethodCodeSequence").map((item) => text(item, "CodeValue"));

test("a file says that, by what and how far it was de-identified", async () => {
  const file = explicit(image());
  const plain = (await run({ "a.dcm": file })).written[0]!.header;
  assert.equal(text(plain, "PatientIdentityRemoved"), "YES");
  assert.match(text(plain, "DeidentificationMethod") ?? "", /^Ichor\\Basic Application Confidentiality Profile$/);
  assert.deepEqual(codesOf(plain), ["113100"]);
  assert.equal(text(plain, 0x00280303), "REMOVED");
  const more = { uids: "kept", dates: "moved", descriptors: "cleaned" } as const;
  const rich = (await run({ "a.dcm": file }, more)).written[0]!.header;
  assert.deepEqual(codesOf(rich), ["113100", "113105", "113107", "113110"]);
  assert.equal(text(rich, 0x00280303), "MODIFIED");
  const full = (await run({ "a.dcm": file }, { dates: "kept" })).written[0]!.header;
  assert.deepEqual(codesOf(full), ["113100", "113106"]);
});

test("files of one patient, study and series stay together, under the same key in every call", async () => {
  const sop = (uid: string, ...more: WritableElement[]) => {
    const tags = new Set([0x00080018, ...more.map(({ tag }) => tag)]);
    const rest = image().filter(({ tag }) => !tags.has(tag));
    return explicit([...rest, element(0x00080018, "UI", uid), ...more]);
  };
  const files = {
    "a.dcm": sop("1.2.3.1"),
    "b.dcm": sop("1.2.3.2"),
    "c.dcm": sop("1.2.3.3", element(0x00100020, "LO", "ANOTHER")),
  };
  const { summary, written } = await run(files);
  assert.deepEqual([summary.patients, summary.studies, summary.series, summary.ledger.used], [2, 1, 1, 3]);
  const again = await run({ "z.dcm": files["b.dcm"] });
  assert.ok(written.some(({ name }) => name === again.written[0]!.name));
  const other = await run({ "b.dcm": files["b.dcm"] }, { pseudonyms: pseudonymsFrom(Buffer.alloc(32, 7)) });
  assert.ok(!written.some(({ name }) => name === other.written[0]!.name));
});

test("references among files still hold: one UID has one new UID wherever it stands", async () => {
  const item = [element(0x00081155, "UI", "1.2.3.4242.18")];
  const file = explicit([...image(), element(0x00081140, "SQ", item)]);
  const { header } = (await run({ "a.dcm": file })).written[0]!;
  const [reference] = items(header, "ReferencedImageSequence");
  assert.ok(reference);
  assert.equal(text(reference, "ReferencedSOPInstanceUID"), text(header, "SOPInstanceUID"));
  assert.equal(text(header, "MediaStorageSOPInstanceUID"), text(header, "SOPInstanceUID"));
});

test("dates move by the same days for all files of a patient, and times of day stay", async () => {
  const dated = (uid: string, study: string, series: string) =>
    explicit([
      ...image().filter(({ tag }) => tag !== 0x00080018),
      element(0x00080018, "UI", uid),
      element(0x00080020, "DA", study),
      element(0x00080021, "DA", series),
      element(0x00080030, "TM", "081500"),
      element(0x00100030, "DA", "19570413"),
    ]);
  const files = {
    "a.dcm": dated("1.2.3.1", "20200229", "20200301"),
    "b.dcm": dated("1.2.3.2", "20210105", "20210105"),
  };
  const { written } = await run(files, { dates: "moved" });
  const day = (value: string | undefined) =>
    Date.UTC(Number(value?.slice(0, 4)), Number(value?.slice(4, 6)) - 1, Number(value?.slice(6, 8))) / 86_400_000;
  const dates = written
    .flatMap(({ header }) => [text(header, "StudyDate"), text(header, "SeriesDate")])
    .map(day)
    .sort((a, b) => a - b);
  assert.deepEqual([dates[1]! - dates[0]!, dates[2]! - dates[0]!], [1, day("20210105") - day("20200229")]);
  for (const { header } of written) {
    assert.equal(text(header, "StudyTime"), "081500");
    assert.equal(text(header, "PatientBirthDate"), undefined);
  }
});

test("private elements go, but for those known to be safe, which the file then says", async () => {
  const privates = [
    element(0x00190010, "LO", "GEMS_ACQU_01"),
    element(0x00191024, "DS", "1.25"),
    element(0x00191025, "LO", "SECRET NOTE"),
    element(0x00330010, "LO", "SECRET CREATOR"),
    element(0x00331001, "UN", "SECRET BYTES"),
    element(0x00430010, "LO", "GEMS_PARM_01"),
    element(0x00431039, "IS", "424242"),
  ];
  const { written } = await run({ "a.dcm": explicit([...image(), ...privates]) });
  const { header } = written[0]!;
  assertNothingLeft(written[0]!.bytes, "private elements");
  assert.deepEqual(
    [...header.elements.keys()].filter((tag) => (tag >>> 16) % 2 === 1),
    [0x00190010, 0x00191024],
  );
  assert.deepEqual(codesOf(header), ["113100", "113111"]);
});

test("a name that was written where it does not belong goes from there too", async () => {
  const stray = [
    element(0x00181020, "LO", "version 3 secret"), // a kept element, in lower case
    element(0x0008103e, "LO", "HEAD for Secret"),
    element(0x00091234, "LO", "SECRETID"),
  ];
  const { written } = await run({ "a.dcm": explicit([...image(), ...stray]) }, { descriptors: "cleaned" });
  assertNothingLeft(written[0]!.bytes, "stray names");
  assert.equal(text(written[0]!.header, "SeriesDescription"), "HEAD for");
});

test("an overlay in the unused bits of the pixels is cleared", async () => {
  const overlay = [element(0x60000102, "US", 12), element(0x60000100, "US", 16)];
  const file = explicit([...image([0xf001, 0x1002, 3, 0x0fff]), ...overlay]);
  const { written } = await run({ "a.dcm": file });
  const pixels = written[0]!.bytes.subarray(-8);
  assert.deepEqual([...new Uint16Array(Uint8Array.from(pixels).buffer)], [1, 2, 3, 0xfff]);
});

test("pictures that may have words burned in are set aside, or written with a remark", async () => {
  const file = explicit([...image(), element(0x00280301, "CS", "YES")]);
  const aside = await run({ "a.dcm": file });
  assert.deepEqual([aside.summary.ledger.setAside, aside.written.length, aside.summary.burnedIn], [1, 0, 1]);
  const kept = await run({ "a.dcm": file }, { burnedIn: "kept" });
  assert.deepEqual([kept.summary.ledger.used, kept.summary.burnedIn], [1, 1]);
  assert.match(kept.ledger, /a\.dcm,used,burned-in annotation,written: BurnedInAnnotation is YES/);
});

test("every file ends in the ledger, with the reason where it was not written", async () => {
  const whole = explicit(image());
  const { ledger, summary } = await run({
    "a.dcm": whole,
    "b.dcm": whole,
    "0.dcm": whole.subarray(0, -2),
    "notes.txt": bytes("no DICOM"),
  });
  assert.deepEqual([summary.ledger.found, summary.ledger.used], [4, 1]);
  assert.match(ledger, /b\.dcm,set aside,duplicate,the same instance as .*a\.dcm$/m);
  assert.match(ledger, /0\.dcm,failed,truncated,/);
  assert.match(ledger, /notes\.txt,set aside,not DICOM,/);
});

test("a file that fails ends nothing where the folder of the input begins with the name of the output's", async () => {
  const to = newFolder();
  const from = `${to}-old`;
  mkdirSync(from);
  writeFileSync(join(from, "cut.dcm"), explicit(image()).subarray(0, -2));
  writeFileSync(join(from, "whole.dcm"), explicit(image()));
  const { ledger } = must(await deidentify({ ...options, from, to, ledger: `${to}.csv` }));
  assert.deepEqual([ledger.used, ledger.failed], [1, 1]);
});

test("a call that goes on ends in the ledger of one that was never interrupted", async () => {
  const whole = explicit(image());
  const first = await run({ "0 cut.dcm": whole.subarray(0, -2), "a.dcm": whole, "b copy.dcm": whole });
  const ledger = `${first.to}.csv`;
  const again = must(await deidentify({ ...options, from: first.from, to: first.to, ledger, existing: "kept" }));
  assert.deepEqual(again, first.summary);
  assert.equal(readFileSync(ledger, "utf8"), first.ledger);
});

test("a ledger that cannot be written stops the work before a file is", async () => {
  const [from, to] = [newFolder(), newFolder()];
  mkdirSync(from);
  writeFileSync(join(from, "a.dcm"), explicit(image()));
  const outcome = await deidentify({ ...options, from, to, ledger: join(from, "a.dcm", "ledger.csv") });
  assert.equal(outcome.kind === "problem" && outcome.problem.where, join(from, "a.dcm", "ledger.csv"));
  assert.equal(existsSync(to), false);
});

test("a folder that holds files is refused, or gone on with; one within the input never", async () => {
  const first = await run({ "a.dcm": explicit(image()) });
  const again = { ...options, from: first.from, to: first.to, ledger: `${first.to}.csv` };
  const refused = await deidentify(again);
  assert.equal(refused.kind === "problem" && refused.problem.kind, "folder not empty");
  assert.equal(must(await deidentify({ ...again, existing: "kept" })).ledger.used, 1);
  const inside = await deidentify({ ...again, to: join(first.from, "out") });
  assert.equal(inside.kind === "problem" && inside.problem.kind, "inside the input");
});
