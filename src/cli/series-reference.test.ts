import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { seriesReference } from "./series-reference.ts";

test("docs/how-series-are-chosen.md is what the tables say: run `npm run docs` after a change", () => {
  const written = readFileSync(join(import.meta.dirname, "../../docs/how-series-are-chosen.md"), "utf8");
  assert.equal(seriesReference(), written);
});
