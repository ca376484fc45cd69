import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { labelCount, labels, parseLabelId, submissionHeader, submissionLines } from "./index.ts";

fc.configureGlobal({ seed: 1 });

test("a slice gives six lines in the order of the labels", () => {
  assert.equal(
    submissionHeader + submissionLines("ID_28fbab7eb", [0, 0.5, 1, 1e-7, 0.25, 1 / 3]),
    [
      "ID,Label",
      "ID_28fbab7eb_epidural,0",
      "ID_28fbab7eb_intraparenchymal,0.5",
      "ID_28fbab7eb_intraventricular,1",
      "ID_28fbab7eb_subarachnoid,1e-7",
      "ID_28fbab7eb_subdural,0.25",
      "ID_28fbab7eb_any,0.333333333",
      "",
    ].join("\n"),
  );
});

test("what is written as a line is read back, float32 probabilities bit by bit", () => {
  const probability = fc.float({ min: 0, max: 1, noNaN: true });
  const sliceId = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/);
  fc.assert(
    fc.property(sliceId, fc.array(probability, { minLength: labelCount, maxLength: labelCount }), (id, values) => {
      const lines = submissionLines(id, Float32Array.from(values)).trimEnd().split("\n");
      for (const [index, line] of lines.entries()) {
        const comma = line.lastIndexOf(",");
        assert.deepEqual(parseLabelId(line.slice(0, comma)), { sliceId: id, label: labels[index] });
        assert.equal(Math.fround(Number(line.slice(comma + 1))) + 0, values[index]! + 0);
      }
    }),
  );
});

test("an ID that is none is not taken for one", () => {
  for (const id of ["", "any", "_any", "ID_1", "ID_1_Any", "ID_1_any ", "ID_1_edema"]) {
    assert.equal(parseLabelId(id), undefined, id);
  }
});

test("a probability outside 0 to 1 is our own fault", () => {
  for (const wrong of [Number.NaN, -0.1, 1.1]) {
    assert.throws(() => submissionLines("ID_1", [0, 0, 0, 0, 0, wrong]), /probability of any/);
  }
  assert.throws(() => submissionLines("ID_1", [0]), /six/);
});
