import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decompositions, gradients, limits } from "../autodiff/index.ts";
import { operatorReference } from "./operator-reference.ts";

test("docs/operators.md is what the tables say: run `npm run docs` after a change", () => {
  const written = readFileSync(join(import.meta.dirname, "../../docs/operators.md"), "utf8");
  assert.equal(operatorReference(), written);
});

test("what a rule asks for is said of rules that there are, and no operator has both a rule and a formula", () => {
  assert.deepEqual(
    Object.keys(limits).filter((key) => !(key in gradients) && !(key in decompositions)),
    [],
  );
  assert.deepEqual(
    Object.keys(decompositions).filter((key) => key in gradients),
    [],
  );
});
