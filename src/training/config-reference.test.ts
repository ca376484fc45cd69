import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configReference } from "./config-reference.ts";

test("docs/configuration.md is what the schema says: run `npm run docs` after a change", () => {
  const written = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");
  assert.equal(configReference(), written);
});
