import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { labels } from "../labels/index.ts";
import { openDatabase } from "./database.ts";
import { folderOf } from "./folder-fixture.test.ts";
import { createTables } from "./index-sql.ts";
import { loadLabels } from "./label-table.ts";

const six = (id: string, value = "0") => labels.map((label) => `${id}_${label},${value}\n`).join("");

/** The rows of slice_labels, or the problem. */
async function load(content: string | Uint8Array) {
  const path = join(folderOf({ "labels.csv": content }), "labels.csv");
  const database = await openDatabase({ threads: 1 });
  try {
    await database.run(createTables);
    const loaded = await loadLabels(database, path);
    if (loaded.kind === "problem") return { ...loaded.problem, where: loaded.problem.where.replace(path, "file") };
    return await database.rows("SELECT * FROM slice_labels ORDER BY slice_id");
  } finally {
    database.close();
  }
}

test("a label table gives a row a slice, and equal rows that stand twice count once", async () => {
  const rows = await load(`ID,Label\n${six("ID_b", "1")}${six("ID_a")}${six("ID_b", "1")}`);
  assert.deepEqual(rows, [
    { slice_id: "ID_a", entries: 6, ...Object.fromEntries(labels.map((label) => [label, 0])) },
    { slice_id: "ID_b", entries: 12, ...Object.fromEntries(labels.map((label) => [label, 1])) },
  ]);
});

test("quotes, a byte order mark, Windows line ends and labels between 0 and 1 are read", async () => {
  const rows = await load(
    `\uFEFF"ID","Label"\r\n${six('"ID_a', "0.25").replaceAll(",", '",').replaceAll("\n", "\r\n")}`,
  );
  assert.ok(Array.isArray(rows), JSON.stringify(rows));
  assert.equal(rows[0]?.["slice_id"], "ID_a");
  assert.equal(rows[0]?.["any"], 0.25);
});

const faulty: Readonly<Record<string, { content: string | Uint8Array; kind: string; where: string; got: string }>> = {
  "an empty file": { content: "", kind: "wrong header", where: "file → line 1", got: "an empty file" },
  "no header": { content: six("ID_a"), kind: "wrong header", where: "file → line 1", got: "ID_a_epidural,0" },
  "another header": {
    content: `id;label\n${six("ID_a")}`,
    kind: "wrong header",
    where: "file → line 1",
    got: "id;label",
  },
  "an ID without a label": {
    content: `ID,Label\n${six("ID_a")}ID_b_bleed,1\nID_c_bleed,1\n`,
    kind: "malformed ID",
    where: "file → line 8",
    got: 'the ID "ID_b_bleed" (and 1 more such)',
  },
  "a quote left open": {
    content: `ID,Label\n"${six("ID_a")}`,
    kind: "malformed ID",
    where: "file → line 2",
    got: 'the ID ""ID_a_epidural"',
  },
  "a label above 1": {
    content: `ID,Label\n${six("ID_a")}${six("ID_b").replace("any,0", "any,2")}`,
    kind: "label outside 0–1",
    where: "file → line 13 (ID_b_any)",
    got: 'the label "2"',
  },
  "a label that is no number": {
    content: `ID,Label\n${six("ID_a").replace("any,0", "any,nan")}`,
    kind: "label outside 0–1",
    where: "file → line 7 (ID_a_any)",
    got: 'the label "nan"',
  },
  "no value": {
    content: `ID,Label\n${six("ID_a").replace("any,0", "any")}`,
    kind: "label outside 0–1",
    where: "file → line 7 (ID_a_any)",
    got: 'the label ""',
  },
  "a column too many": {
    content: `ID,Label\n${six("ID_a").replace("any,0", "any,0,1")}`,
    kind: "malformed line",
    where: "file → line 7",
    got: "Expected Number of Columns: 2 Found: 3",
  },
  "another encoding": {
    content: Buffer.from("ID,Label\nID_\xff_any,1\n", "latin1"),
    kind: "malformed line",
    where: "file → line 2",
    got: "bytes that are not UTF-8",
  },
  "missing labels of a slice": {
    content: `ID,Label\n${six("ID_a")}ID_b_any,1\nID_b_subdural,1\n`,
    kind: "missing labels",
    where: "file → ID_b",
    got: "no line for epidural intraparenchymal intraventricular subarachnoid",
  },
  "conflicting duplicates": {
    content: `ID,Label\n${six("ID_a")}${six("ID_b")}ID_a_subdural,1\n`,
    kind: "conflicting labels",
    where: "file → lines 6 and 14 (ID_a_subdural)",
    got: "different labels for one ID",
  },
};

for (const [name, { content, ...expected }] of Object.entries(faulty)) {
  test(`a label table with ${name} is refused with its place`, async () => {
    const { kind, where, got } = (await load(content)) as { kind: string; where: string; got: string };
    assert.deepEqual({ kind, where, got }, expected);
  });
}

test("a label table that is not there is a problem", async () => {
  const database = await openDatabase({ threads: 1 });
  const loaded = await loadLabels(database, "/nowhere/labels.csv");
  database.close();
  assert.equal(loaded.kind === "problem" && loaded.problem.kind, "not found");
});
