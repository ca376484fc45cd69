import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeFileAtomic } from "./atomic-file.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-atomic-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a file below a file is a problem that names it, and the other file stays", () => {
  const file = join(folder, "notes.txt");
  writeFileSync(file, "notes");
  const written = writeFileAtomic(join(file, "run.json"), "{}");
  assert.ok(written.kind === "problem");
  assert.deepEqual([written.problem.kind, written.problem.where], ["not a folder", join(file, "run.json")]);
  assert.equal(readFileSync(file, "utf8"), "notes");
});

test("of a writing that stops half-way nothing is left", () => {
  const path = join(folder, "pieces");
  writeFileSync(path, "old");
  function* pieces() {
    yield Buffer.from("new");
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  }
  const written = writeFileAtomic(path, pieces());
  assert.equal(written.kind === "problem" && written.problem.kind, "disk full");
  assert.equal(readFileSync(path, "utf8"), "old");
  assert.deepEqual(readdirSync(folder).sort(), ["notes.txt", "pieces"]);
});
