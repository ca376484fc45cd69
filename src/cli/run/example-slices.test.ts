import assert from "node:assert/strict";
import { test } from "node:test";
import { anyIndex, labelCount } from "../../labels/index.ts";
import { chooseExamples } from "./example-slices.ts";

test("of each kind the slices that the detector was surest of, one a patient", () => {
  // probability of any, whether it is there, patient
  const slices: readonly (readonly [number, "bleed" | "none", string])[] = [
    [0.7, "bleed", "a"],
    [0.9, "bleed", "a"],
    [0.8, "bleed", "b"],
    [0.4, "bleed", "c"],
    [0.2, "bleed", "c"],
    [0.6, "none", "d"],
    [0.1, "none", "d"],
    [0.5, "none", "e"],
    [0.55, "none", "f"],
  ];
  const probabilities = new Float64Array(slices.length * labelCount);
  for (const [at, [any]] of slices.entries()) probabilities[at * labelCount + anyIndex] = any;
  const chosen = chooseExamples({
    rows: Int32Array.from(slices.keys(), (at) => at + 10), // rows of a table that begins elsewhere
    probabilities,
    isPositive: (row) => slices[row - 10]![1] === "bleed",
    patients: [...new Array<string>(10).fill(""), ...slices.map(([, , patient]) => patient)],
    threshold: 0.5,
  });
  assert.deepEqual(
    chosen.map(({ row, kind, probabilities: own }) => [row - 10, kind, own[anyIndex]]),
    [
      [1, "found", 0.9],
      [2, "found", 0.8],
      [4, "missed", 0.2],
      [5, "false alarm", 0.6],
      [8, "false alarm", 0.55],
    ],
  );
});
