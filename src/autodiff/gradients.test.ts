import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unaryCase } from "../../test/gradient-cases/elementwise.ts";
import { checkOperator, type OperatorCase } from "../../test/gradient-check.ts";
import { randomArray, runGraph } from "../../test/graphs.ts";
import { int, unaryOperators } from "../onnx/index.ts";
import { differentiate } from "./differentiate.ts";
import { gradients } from "./gradients.ts";

const folder = join(import.meta.dirname, "../../test/gradient-cases");
const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
const written = await Promise.all(
  files.map(async (name) => ((await import(join(folder, name))) as { cases: readonly OperatorCase[] }).cases),
);
const given = written.flat();
const has = (row: string) => given.some((one) => one.row === row);
const cases = [
  ...given,
  ...Object.keys(unaryOperators)
    .filter((row) => !has(row) && row in gradients)
    .map(unaryCase),
];

for (const one of cases) {
  const of = one.of === undefined ? "" : ` (${one.of})`;
  test(`${one.row}${of}: gradients are slopes of central differences, and ONNX Runtime finds the same`, () =>
    checkOperator(one));
}

test("every gradient rule has a case", () => {
  assert.deepEqual(
    Object.keys(gradients).filter((row) => !cases.some((one) => one.row === row)),
    [],
  );
});

test("a node without a rule is an error that names node, operator and where to add it", async () => {
  const inputs = { x: randomArray([2, 3], 1) };
  await assert.rejects(
    runGraph(inputs, (g, { x }) => ({
      dx: differentiate(g, g.node("ReduceMax", [x], { keepdims: int(0) }), [x!]).get("x")!,
    })),
    /ReduceMax_0: no gradient rule for ReduceMax: add a row to a table in src\/autodiff\/rules/,
  );
});
