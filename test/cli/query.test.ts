// Questions to an index: every line of docs/questions.md is asked, and what a question may not do is refused.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ichor } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-query-"));
const index = join(folder, "index");
after(() => rmSync(folder, { recursive: true }));

before(async () => {
  const data = join(folder, "data");
  const sizes = ["--studies", "6", "--matrix", "32", "--slices", "5", "--test-studies", "1"];
  assert.equal((await ichor(["phantom", "--out", data, ...sizes])).code, 0);
  writeFileSync(join(data, "notes.txt"), "no slice");
  assert.equal((await ichor(["index", data, "--out", index])).code, 0);
});

async function ask(sql: string, ...flags: readonly string[]): Promise<{ columns: string[]; rows: unknown[][] }> {
  const { code, stdout, stderr } = await ichor(["query", index, sql, "--json", ...flags]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as { columns: string[]; rows: unknown[][] };
}

test("every question of docs/questions.md is answered", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/questions.md"), "utf8");
  const questions = [...page.matchAll(/^ichor query work\/index "(.*)"$/gm)].map(([, sql = ""]) =>
    sql.replaceAll('\\"', '"'),
  );
  assert.ok(questions.length >= 8);
  for (const sql of questions) {
    const { columns } = await ask(sql);
    assert.ok(columns.length > 1, sql);
  }
});

test("files are all that was found, slices those that are used", async () => {
  const [counts] = (await ask("SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM slices)")).rows;
  assert.deepEqual(counts, [37, 35]); // the notes and the label table are set aside
});

test("numbers are numbers, lists are lists, what is missing is null", async () => {
  const { rows } = await ask("SELECT count(*), 1.5, [1.5e0, 2], NULL, 'a', 9007199254740993 FROM slices");
  assert.deepEqual(rows, [[35, 1.5, [1.5, 2], null, "a", "9007199254740993"]]);
});

test("an answer is cut where it is longer than asked for, and says so", async () => {
  const cut = await ichor(["query", index, "SELECT path FROM slices", "--rows", "3"]);
  assert.equal(cut.stdout.split("\n").length - 1, 4);
  assert.match(cut.stderr, /first 3 rows/);
  const whole = await ichor(["query", index, "SELECT path FROM slices", "--rows", "35"]);
  assert.equal(whole.stderr, "");
});

test("what a file says steers no terminal", async () => {
  const { stdout } = await ichor(["query", index, "SELECT 'a' || chr(27) || '[2J' || chr(10) || 'b' AS said"]);
  assert.equal(stdout, "said\na [2J b\n");
});

test("a question reads no other file, writes none and changes no setting", async () => {
  const before = readFileSync(join(index, "index.parquet"));
  const other = join(folder, "written.csv");
  for (const sql of [
    "SELECT * FROM read_csv('/etc/hosts')",
    `SELECT * FROM '${join(folder, "data", "stage_2_train.csv")}'`,
    `COPY files TO '${other}'`,
    `SELECT 1); COPY (SELECT 1) TO '${other}'; SELECT (1`,
    "SELECT 1); SET enable_external_access = true; SELECT (1",
    "SELECT 1); INSTALL httpfs; SELECT (1",
    "DROP VIEW files",
    "SELECT nothing_such FROM slices",
  ]) {
    const { code, stdout } = await ichor(["query", index, sql, "--json"]);
    assert.equal(code, 1, sql);
    assert.equal((JSON.parse(stdout) as { problem: { kind: string } }).problem.kind, "SQL", sql);
  }
  assert.throws(() => readFileSync(other), /ENOENT/);
  assert.deepEqual(readFileSync(join(index, "index.parquet")), before);
});

test("what is no index is refused", async () => {
  const { code, stdout } = await ichor(["query", join(folder, "data"), "SELECT 1", "--json"]);
  assert.equal(code, 1);
  assert.match(stdout, /make one with: ichor index/);
});
