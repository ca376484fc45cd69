import assert from "node:assert/strict";
import { test } from "node:test";
import { packRows, unpackRows } from "./packed-rows.ts";

test("packed rows hold the same cells, and each text once", () => {
  const rows = [
    [0, "CT", undefined, -0.5, ""],
    [1, "CT", "0", 0, undefined],
    [1e300, "MR", "CT", -1, "ä\\β"],
  ];
  const packed = packRows(rows);
  assert.deepEqual(
    Array.from(unpackRows(packed), (row) => [...row]),
    rows,
  );
  assert.deepEqual(packed.texts, ["CT", "", "0", "MR", "ä\\β"]);
});

test("no rows are packed as none", () => {
  assert.deepEqual([...unpackRows(packRows([]))], []);
});
