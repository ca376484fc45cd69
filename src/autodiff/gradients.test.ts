import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unaryCase } from "../../test/gradient-cases/elementwise.ts";
import { checkOperator, type OperatorCase } from "../../test/gradient-check.ts";
import { randomArray, runGraph } from "../../test/graphs.ts";
import { unaryOperators } from "../onnx/index.ts";
import { differentiate } from "./differentiate.ts";
import { differentiableOperators, gradients } from "./gradients.ts";

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
    .filter((row) => !has(row))
    .map(unaryCase),
];

for (const one of cases) {
  const of = one.of === undefined ? "" : ` (${one.of})`;
  test(`${one.row}${of}: gradients are slopes of central differences, and ONNX Runtime finds the same`, async (t) => {
    try {
      await checkOperator(one);
    } catch (error) {
      const missing = /no shape rule for \w+/.exec(String(error));
      if (missing === null) throw error;
      t.skip(`${missing[0]} yet`);
    }
  });
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
      dx: differentiate(g, g.node("Hardmax", [x], {}, { types: [x!.type] }), [x!]).get("x")!,
    })),
    /Hardmax_0: no gradient rule for Hardmax: add a row to a table in src\/autodiff\/rules/,
  );
});

test("operators with a gradient are told from those that let none through", () => {
  const [flows, none] = [differentiableOperators, ["Shape", "Floor", "Equal"]];
  assert.deepEqual(
    ["Gelu", "MatMul", ...none].filter((key) => flows.includes(key)),
    ["Gelu", "MatMul"],
  );
  assert.ok(none.every((key) => key in gradients));
});
