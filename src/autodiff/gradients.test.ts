import assert from "node:assert/strict";
import { test } from "node:test";
import { checkOperator } from "../../test/gradient-check.ts";
import { randomArray, runGraph } from "../../test/graphs.ts";
import { operatorCases } from "../../test/operator-cases.ts";
import { evaluations } from "../onnx/index.ts";
import { decompositions } from "./decompositions.ts";
import { differentiate } from "./differentiate.ts";
import { differentiableOperators, gradients } from "./gradients.ts";

for (const one of operatorCases) {
  const of = one.of === undefined ? "" : ` (${one.of})`;
  test(`${one.row}${of}: gradients are slopes of central differences, and ONNX Runtime finds the same`, () =>
    checkOperator(one));
}

test("every rule, every formula and every evaluated operator has a case", () => {
  const rows = [gradients, decompositions, evaluations].flatMap((table) => Object.keys(table));
  assert.deepEqual(
    rows.filter((row) => !operatorCases.some((one) => one.row === row)),
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

test("Dropout in training mode is an error that names the node and who writes its masks", async () => {
  const inputs = { x: randomArray([2, 3], 1), training: randomArray([1], 2) };
  await assert.rejects(
    runGraph(inputs, (g, { x, training }) => ({
      dx: differentiate(g, g.node("Dropout", [x, g.scalar(0.5), training]), [x!]).get("x")!,
    })),
    /Dropout_0: Dropout in training mode has no gradient of its own: trainingProgram writes it/,
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
