import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { must, type Result } from "../base/index.ts";
import { openDraft, outputNames } from "./draft.ts";

const root = mkdtempSync(join(tmpdir(), "ichor-draft-"));
after(() => rmSync(root, { recursive: true, force: true }));

function problemOf(result: Result<unknown>): string {
  assert.equal(result.kind, "problem");
  return result.kind === "problem" ? result.problem.kind : "";
}

test("draft: nothing has its name before all is written, then everything has", () => {
  const folder = join(root, "new", "deep");
  const draft = must(openDraft(folder));
  draft.write("predictions.csv", "ID,Label\n");
  draft.write("findings.json", "x".repeat(200_000)); // more than the buffer
  draft.write("findings.json", "é");
  assert.ok(readdirSync(folder).every((name) => name.endsWith(".tmp")));
  must(draft.publish());
  assert.deepEqual(readdirSync(folder).sort(), [...outputNames].sort());
  assert.equal(readFileSync(join(folder, "predictions.csv"), "utf8"), "ID,Label\n");
  assert.equal(readFileSync(join(folder, "findings.json"), "utf8"), `${"x".repeat(200_000)}é`);
});

test("draft: what is discarded leaves no file, and no folder that was made for it", () => {
  must(openDraft(join(root, "gone", "deeper"))).discard();
  assert.equal(existsSync(join(root, "gone")), false);
  const kept = join(root, "kept");
  mkdirSync(kept);
  must(openDraft(kept)).discard();
  assert.deepEqual(readdirSync(kept), []);
});

test("draft: an earlier detection is replaced, and stays when the new one is discarded", () => {
  const folder = join(root, "again");
  mkdirSync(folder);
  for (const name of outputNames) writeFileSync(join(folder, name), "old");
  writeFileSync(join(folder, "findings.json.4711.tmp"), "half of it"); // a killed run's
  must(openDraft(folder)).discard();
  assert.deepEqual(readdirSync(folder).sort(), [...outputNames].sort());
  assert.equal(readFileSync(join(folder, "ledger.csv"), "utf8"), "old");
  const draft = must(openDraft(folder));
  draft.write("ledger.csv", "new");
  must(draft.publish());
  assert.equal(readFileSync(join(folder, "ledger.csv"), "utf8"), "new");
});

test("draft: a folder with anything else is refused and left alone", () => {
  const folder = join(root, "run");
  mkdirSync(folder);
  writeFileSync(join(folder, "predictions.csv"), "of a run");
  writeFileSync(join(folder, "run.json"), "{}");
  assert.equal(problemOf(openDraft(folder)), "output folder in use");
  assert.deepEqual(readdirSync(folder).sort(), ["predictions.csv", "run.json"]);
});

test("draft: a file in the folder's place is a problem", () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  assert.equal(problemOf(openDraft(file)), "not a folder");
  assert.equal(problemOf(openDraft(join(file, "deeper"))), "not a folder");
});
