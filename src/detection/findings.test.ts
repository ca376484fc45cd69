import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { findingsJsonSchema, findingsSchema } from "./findings.ts";

test("findings: docs/findings.schema.json is what the schema generates", () => {
  const committed = readFileSync(new URL("../../docs/findings.schema.json", import.meta.url), "utf8");
  assert.equal(committed, findingsJsonSchema(), "write findingsJsonSchema() to docs/findings.schema.json");
});

test("findings: another version is refused", () => {
  const parsed = findingsSchema.safeParse({ version: 1 });
  assert.equal(parsed.success, false);
});
