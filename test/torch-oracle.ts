// Operators beside PyTorch: outputs and input gradients in float64, from one Python process for all rows of a table.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { differentiate, functionsOf } from "../src/autodiff/index.ts";
import { type Shaped, shaped, sizeOf } from "../src/base/index.ts";
import { buildGraph, evaluateGraph, type Graph, type GraphBuilder, int, type Value } from "../src/onnx/index.ts";
import { askOracle, without } from "./python.ts";

/** Why tests with PyTorch are skipped, or false. */
export const skip = without("python3-torch", "torch");

/** Attributes of ours are float32. */
const tolerance = 1e-6;

/** One use of an operator; the other side is in a script of test/oracles. */
export interface Row {
  readonly inputs: readonly Shaped<Float64Array>[];
  readonly write: (g: GraphBuilder, values: readonly Value[]) => Value | readonly Value[];
  /** What else the other side wants to know. */
  readonly attributes?: unknown;
  readonly opset?: number;
}

interface Answer {
  readonly y: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}

/** Outputs, one after the other, and dL/d(input) by the evaluator, with L as the oracles have it. */
function ours({ inputs, write, opset }: Row): Answer {
  const start: Pick<Graph, "opset"> = opset === undefined ? {} : { opset };
  const g = buildGraph("row", start);
  const values = inputs.map(({ shape }, index) => g.input(`x${index}`, { element: "float32", shape }));
  const outputs = [write(g, values)].flat() as readonly Value[];
  const flat = outputs.map((output) => g.node("Reshape", [output, g.axes([-1])]));
  const y = g.node("Concat", flat, { axis: int(0) });
  const [length] = y.type.shape as [number];
  const weights = Float32Array.from({ length }, (_, i) => ((i % 7) + 1) / 8);
  const weighted = g.node("Mul", [y, g.constant(shaped(weights, [length]))]);
  const loss = g.node("ReduceSum", [weighted, g.axes([0])], { keepdims: int(0) });
  g.output(y, "y");
  for (const [name, gradient] of differentiate(g, loss, values)) g.output(gradient, `d_${name}`);
  const feeds = Object.fromEntries(inputs.map((input, index) => [`x${index}`, input]));
  const graph = g.finish();
  const found = evaluateGraph({ graph, functions: functionsOf(graph.nodes) }, feeds);
  const zeros = ({ shape }: Shaped) => new Float64Array(sizeOf(shape));
  return {
    y: Array.from(found["y"]!.data, Number),
    gradients: inputs.map((input, index) => Array.from(found[`d_x${index}`]?.data ?? zeros(input), Number)),
  };
}

/** Holds each row against the same row of a script in test/oracles (a name up to its first comma), as a subtest. */
export async function compareWithTorch(
  t: TestContext,
  script: string,
  rows: Readonly<Record<string, Row>>,
): Promise<void> {
  const cases = Object.entries(rows).map(([name, { inputs, attributes = {} }]) => ({
    name: name.split(",")[0],
    inputs: inputs.map(({ data, shape }) => ({ data: [...data], shape })),
    attributes,
  }));
  const answers = JSON.parse(askOracle(script, [], cases)) as readonly Answer[];
  for (const [index, [name, row]] of Object.entries(rows).entries()) {
    await t.test(name, () => {
      const [mine, torch] = [ours(row), answers[index]!];
      near(mine.y, torch.y, "y");
      mine.gradients.forEach((gradient, input) => {
        near(gradient, torch.gradients[input]!, `gradient of input ${input}`);
      });
    });
  }
}

function near(mine: readonly number[], wanted: readonly number[], what: string): void {
  assert.equal(mine.length, wanted.length, `length of ${what}`);
  mine.forEach((x, index) => {
    const apart = Math.abs(x - wanted[index]!);
    assert.ok(
      apart <= tolerance * Math.max(1, Math.abs(wanted[index]!)),
      `${what}[${index}]: ${x}, PyTorch ${wanted[index]}`,
    );
  });
}
