// De-identified files as another reader sees them: pydicom's public test files, of every syntax, through the command.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { must } from "../src/base/index.ts";
import { items, readHeader, text } from "../src/dicom/index.ts";
import { ichor } from "./cli/terminal.ts";
import { pydicomFiles, withoutPydicom } from "./pydicom-oracle.ts";
import { askOracle } from "./python.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-deidentified-"));
after(() => rmSync(folder, { recursive: true }));

/** Names and IDs of persons in files, as they stand there. */
function personsIn(paths: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const header = readHeader(path);
    if (header.kind === "problem") continue;
    for (const keyword of ["PatientName", "PatientID", "AccessionNumber"] as const) {
      const value = text(header.value, keyword);
      if (value !== undefined && /[A-Za-z]/.test(value) && value.length >= 5) found.add(value);
    }
  }
  return found;
}

test("files of every syntax are whole for pydicom, with their pixels, and nobody's name", {
  skip: withoutPydicom,
}, async () => {
  const from = join(pydicomFiles, "test_files");
  const [to, key] = [join(folder, "out"), join(folder, "key")];
  const { code, stdout, stderr } = await ichor([
    ...[
      "deidentify",
      from,
      to,
      "--key",
      key,
      "--burned-in",
      "keep",
      "--dates",
      "moved",
      "--clean-descriptors",
      "--json",
    ],
  ]);
  assert.equal(code, 0, stderr);
  const { ledger } = JSON.parse(stdout) as {
    ledger: { found: number; used: number; setAside: number; failed: number };
  };
  assert.equal(ledger.found, ledger.used + ledger.setAside + ledger.failed);
  assert.ok(ledger.used > 60);
  const paths = readdirSync(to, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".dcm"))
    .map((name) => join(to, name));
  assert.equal(paths.length, ledger.used);
  const old = readdirSync(from, { recursive: true, encoding: "utf8" }).map((name) => join(from, name));
  const persons = personsIn(old);
  assert.ok(persons.size > 5);
  for (const path of paths) {
    const content = readFileSync(path).toString("latin1");
    for (const person of persons) assert.ok(!content.includes(person), `${path}: ${person}`);
    const header = must(readHeader(path));
    assert.equal(text(header, "PatientIdentityRemoved"), "YES");
    assert.ok(items(header, "DeidentificationMethodCodeSequence").length >= 3);
  }
  const images = paths.filter((path) => must(readHeader(path)).pixelData !== undefined);
  const told = askOracle("pydicom_deidentified.py", images);
  const answers = JSON.parse(told) as { removed: string; codes: string[]; syntax: string; patient: string }[];
  assert.equal(answers.length, images.length);
  for (const { removed, codes, patient } of answers) {
    assert.equal(removed, "YES");
    assert.ok(codes.includes("113100") && codes.includes("113107"));
    assert.match(patient, /^(P[0-9a-f]{12})?$/);
  }
  assert.ok(new Set(answers.map(({ syntax }) => syntax)).size > 6);
});
