import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { paxRecords, tarOf, type ZipEntry, zipOf } from "../../test/archives.ts";
import { askOracle, without } from "../../test/python.ts";
import { ok } from "../base/index.ts";
import { statFile, walkFiles, withFile } from "./index.ts";
import { openTar, openTarGz } from "./tar-archive.ts";
import { openZip } from "./zip.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-storage-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(folder, `${count++}-${name}`);
  writeFileSync(path, bytes);
  return path;
}

/** What a walk finds, below the input: files by name, the rest as "name: status, reason". */
async function walk(input: string): Promise<string[]> {
  const found: string[] = [];
  const below = (path: string) => path.slice(input.length).replace(/^!?\//, "");
  for await (const one of walkFiles([input])) {
    if (one.kind === "file") found.push(below(one.path));
    else found.push(`${below(one.entry.path)}: ${one.entry.status}, ${one.entry.kind}`);
  }
  return found;
}

function read(path: string, offset = 0, length = 2 ** 20): Buffer | string {
  const bytes = Buffer.alloc(length);
  const got = withFile(path, (file) => ok(bytes.subarray(0, file.read(bytes, offset))));
  return got.kind === "ok" ? got.value : got.problem.kind;
}

const small = Buffer.from("a few bytes of text");
const large = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * at) >>> 7));
const files = [
  { name: "a/one.dcm", data: small },
  { name: "a/two", data: large },
  { name: "b/empty", data: Buffer.alloc(0) },
];
const zipped = (method: "stored" | "deflated") => files.map((file): ZipEntry => ({ ...file, method }));

const archives: Readonly<Record<string, Uint8Array>> = {
  "stored.zip": zipOf(zipped("stored")),
  "deflated.zip": zipOf(zipped("deflated")),
  "64-bit.zip": zipOf(zipped("deflated"), { zip64: true }),
  "self-extracting.zip": Buffer.concat([zipOf(zipped("deflated"), { before: Buffer.from("PK\x03\x04 a program") })]),
  "plain.tar": tarOf(files),
  "packed.tar.gz": gzipSync(tarOf(files)),
  "packed.tgz": gzipSync(tarOf(files)),
};

for (const [name, bytes] of Object.entries(archives)) {
  test(`${name}: entries are found in their order and read at any place`, async () => {
    const path = fileOf(name, bytes);
    assert.deepEqual(await walk(path), ["a/one.dcm", "a/two", "b/empty"]);
    assert.deepEqual(read(`${path}!/a/two`), large);
    assert.deepEqual(read(`${path}!/a/two`, 50_000, 1000), large.subarray(50_000, 51_000));
    assert.deepEqual(read(`${path}!/a/one.dcm`, 2, 5), small.subarray(2, 7));
    assert.deepEqual(read(`${path}!/b/empty`), Buffer.alloc(0));
    assert.equal(read(`${path}!/a/three`), "not found");
    assert.deepEqual(statFile(`${path}!/a/two`), ok({ sizeBytes: 70_000, mtimeMs: statSync(path).mtimeMs }));
    assert.deepEqual(statFile(`${path}!/a/three`), ok(undefined));
  });
}

test("archives in folders are gone through by name, and by first bytes alone where they are the input", async () => {
  const tree = join(folder, "tree");
  mkdirSync(join(tree, "x!"), { recursive: true });
  writeFileSync(join(tree, "no-name"), zipOf([{ name: "inside", data: small }]));
  writeFileSync(join(tree, "a.zip"), zipOf([{ name: "inside", data: small }]));
  writeFileSync(join(tree, "b.zip"), "no zip at all");
  writeFileSync(join(tree, "c.7z"), "");
  writeFileSync(join(tree, "x!", "y.zip"), zipOf([{ name: "z!/inside", data: small }]));
  assert.deepEqual(await walk(tree), [
    "a.zip!/inside",
    "b.zip",
    "c.7z: set aside, archive",
    "no-name",
    "x!/y.zip!/z!/inside",
  ]);
  assert.deepEqual(await walk(join(tree, "no-name")), ["inside"]);
  assert.deepEqual(read(join(tree, "x!/y.zip!/z!/inside")), small);
});

test("what a zip holds beside files that can be read is set aside or failed by name", async () => {
  const path = fileOf(
    "odd.zip",
    zipOf([
      { name: "folder/", data: Buffer.alloc(0) },
      { name: "good", data: small },
      { name: "good", data: large },
      { name: "../../etc/passwd", data: small },
      { name: "/absolute\\windows", data: small },
      { name: "line\nbreak\u202e", data: small },
      { name: Buffer.from([0x81, 0x2e, 0x64, 0x63, 0x6d]), data: small },
      { name: "secret", data: small, flags: 1 },
      { name: "lzma", data: small, method: 14 },
      { name: "inner.zip", data: small },
      { name: "inner.tar.gz", data: small },
      { name: "link", data: small, unixMode: 0o120777 },
      { name: "beyond", data: small, localAt: 2 ** 30 },
      { name: "bomb", data: Buffer.alloc(1000), method: "deflated", sizeBytes: 2 ** 31 },
      { name: "wrong checksum", data: small, method: "deflated", crc: 1 },
      { name: "wrong size", data: small, method: "deflated", sizeBytes: 10 },
    ]),
  );
  assert.deepEqual(await walk(path), [
    "good",
    "good: set aside, duplicate name",
    "etc/passwd",
    "absolute/windows",
    "line%0Abreak%E2%80%AE",
    "ü.dcm",
    "secret: set aside, encrypted",
    "lzma: set aside, compression",
    "inner.zip: set aside, nested archive",
    "inner.tar.gz: set aside, nested archive",
    "link: set aside, link",
    "beyond: failed, damaged entry",
    "bomb: failed, zip bomb",
    "wrong checksum",
    "wrong size",
  ]);
  for (const name of ["good", "etc/passwd", "absolute/windows", "line%0Abreak%E2%80%AE", "ü.dcm"])
    assert.deepEqual(read(`${path}!/${name}`), small, name);
  for (const name of ["wrong checksum", "wrong size"]) assert.equal(read(`${path}!/${name}`, 0, 9000), "damaged entry");
});

test("what a tar holds beside files is set aside by name, long and wide names are whole", async () => {
  const long = `${"deep/".repeat(60)}file.dcm`;
  const path = fileOf(
    "odd.tar",
    tarOf([
      { name: "folder/", type: "5" },
      { name: "old-folder/" },
      { name: "pax", type: "x", data: paxRecords({ path: `${long}ä`, mtime: "1.5" }) },
      { name: "cut-name", data: small },
      { name: "././@LongLink", type: "L", data: Buffer.from(`${long}\0`) },
      { name: "cut-name", data: large },
      { name: "global", type: "g", data: paxRecords({ comment: "none" }) },
      { name: "hard", type: "1" },
      { name: "soft", type: "2" },
      { name: "device", type: "3" },
      { name: "sparse", type: "S" },
      { name: "unheard-of", type: "Z" },
      { name: "inner.tar", data: small },
      { name: "./last", data: small },
      { name: "last", data: large },
    ]),
  );
  assert.deepEqual(await walk(path), [
    `${long}ä`,
    long,
    "hard: set aside, link",
    "soft: set aside, link",
    "device: set aside, not a file",
    "sparse: set aside, sparse file",
    "unheard-of: set aside, not a file",
    "inner.tar: set aside, nested archive",
    "last",
    "last: set aside, duplicate name",
  ]);
  assert.deepEqual([read(`${path}!/${long}ä`), read(`${path}!/${long}`), read(`${path}!/last`)], [small, large, small]);
});

test("entries that share bytes are a bomb, and none of them is read", async () => {
  const honest = zipOf([
    { name: "a", data: small },
    { name: "b", data: small },
  ]);
  assert.deepEqual(await walk(fileOf("honest.zip", honest)), ["a", "b"]);
  const path = fileOf(
    "bomb.zip",
    zipOf([
      { name: "a", data: small },
      { name: "b", data: small, localAt: 0 },
    ]),
  );
  assert.deepEqual(await walk(path), [": failed, zip bomb"]);
  assert.equal(read(`${path}!/a`), "not found");
});

test("a compressed tar that becomes far more than it is ends with that reason", async () => {
  const piece = gzipSync(Buffer.alloc(2 ** 25));
  const header = gzipSync(tarOf([{ name: "zeros" }, { name: "x" }]).subarray(0, 1024));
  const zeros = gzipSync(tarOf([{ name: "zeros", data: Buffer.alloc(2 ** 25) }]).subarray(0, 512 + 2 ** 25));
  const path = fileOf("bomb.tar.gz", Buffer.concat([header, ...Array.from({ length: 9 }, () => zeros)]));
  assert.ok(piece.length * 200 < 2 ** 25);
  assert.deepEqual((await walk(path)).at(-1), ": failed, zip bomb");
});

for (const name of ["stored.zip", "deflated.zip", "plain.tar", "packed.tar.gz"]) {
  test(`${name} cut anywhere is told, and what lies before the cut of a tar is read`, async () => {
    const whole = archives[name]!;
    for (let cut = 1; cut < whole.length; cut += Math.ceil(whole.length / 40)) {
      const found = await walk(fileOf(name, whole.subarray(0, cut)));
      const told = found.some((line) => /failed|^$/.test(line));
      assert.ok(told || name === "plain.tar", `cut at ${cut}: ${found}`); // a tar may lack its end
    }
  });

  test(`${name} with any byte changed gives rows of the ledger or files, never a throw`, async () => {
    const whole = archives[name]!;
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 80)) {
      const path = fileOf(
        name,
        Uint8Array.from(whole, (byte, index) => (index === at ? byte ^ 0x55 : byte)),
      );
      for (const found of await walk(path)) read(`${path}!/${found}`, 0, 5000);
      rmSync(path);
    }
  });
}

/** The bytes of an archive on a disk that refuses one read, after so many others. */
function failing(bytes: Uint8Array, after: number) {
  let reads = 0;
  return {
    read(target: Uint8Array, offset: number) {
      if (++reads === after + 1) throw new Error("the disk fails");
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      return part.length;
    },
  };
}

for (const [name, open] of [
  ["stored.zip", openZip],
  ["deflated.zip", openZip],
  ["plain.tar", openTar],
  ["packed.tar.gz", openTarGz],
] as const) {
  test(`${name}: after a read that failed, the next one gives what the archive holds`, () => {
    const bytes = archives[name]!;
    let failed = 0;
    for (let after = 0; after < 12; after++) {
      const archive = open(failing(bytes, after), bytes.length);
      const readTwo = () => {
        const found = archive.open("a/two", name) ?? assert.fail();
        const target = Buffer.alloc(found.sizeBytes);
        return target.subarray(0, found.read(target, 0));
      };
      const attempts = [1, 2, 3].map(() => {
        try {
          return readTwo();
        } catch {
          failed++;
          return undefined;
        }
      });
      assert.ok(attempts.filter((got) => got === undefined).length < 2);
      for (const got of attempts) assert.ok(got?.equals(large) ?? true, `a fault after ${after} reads`);
    }
    assert.ok(failed > 0);
  });
}

test("an archive that is written anew is noticed while it is open, and one that vanishes fails", () => {
  const path = fileOf("changing.zip", zipOf([{ name: "a", data: small }]));
  const before = statFile(`${path}!/a`);
  writeFileSync(
    path,
    zipOf([
      { name: "a", data: small },
      { name: "b", data: large, method: "deflated" },
    ]),
  );
  utimesSync(path, 1, 1);
  assert.deepEqual(read(`${path}!/b`), large);
  assert.notDeepEqual(statFile(`${path}!/a`), before);
  rmSync(path);
  assert.deepEqual(statFile(`${path}!/a`), ok(undefined));
  assert.equal(read(`${path}!/a`), "not found");
});

test("an archive of more entries than 16 bits count is listed and its entries are found", async () => {
  const many = Array.from({ length: 66_000 }, (_, at) => ({ name: `study/${at}`, data: Buffer.from(String(at)) }));
  const path = fileOf("many.zip", zipOf(many));
  assert.equal((await walk(path)).length, 66_000);
  for (const at of [0, 65_536, 65_999]) assert.deepEqual(read(`${path}!/study/${at}`), Buffer.from(String(at)));
});

test("folders are walked whole, in order, once, and what cannot be opened is told", async () => {
  const tree = join(folder, "loop");
  mkdirSync(join(tree, "b"), { recursive: true });
  for (const name of ["c.dcm", "a.dcm", "b/d.dcm"]) writeFileSync(join(tree, name), "");
  symlinkSync(tree, join(tree, "b", "loop"));
  symlinkSync(join(tree, "nowhere"), join(tree, "broken"));
  const found: string[] = [];
  for await (const one of walkFiles([tree, join(tree, "a.dcm")]))
    found.push(one.kind === "file" ? one.path.slice(tree.length + 1) : `${one.entry.status}: ${one.entry.kind}`);
  assert.deepEqual(found, ["a.dcm", "b/d.dcm", "failed: not found", "c.dcm"]);
  assert.ok(readdirSync(tree).length === 4);
});

const skip = without("python3", "zipfile", "tarfile");

test("archives made by Python's zipfile and tarfile are read to the bytes that were packed", { skip }, async () => {
  const made = mkdtempSync(join(folder, "python-"));
  const expected = JSON.parse(askOracle("archives.py", [made])) as Readonly<Record<string, string>>;
  assert.ok(readdirSync(made).length >= 8);
  for (const archive of readdirSync(made)) {
    const path = join(made, archive);
    assert.deepEqual(await walk(path), Object.keys(expected), archive);
    for (const [name, hex] of Object.entries(expected))
      assert.equal(read(`${path}!/${name}`).toString("hex"), hex, `${archive}: ${name}`);
  }
});
