// Proves an operator's row of `evaluations` and `gradients` over random shapes and attributes.
import assert from "node:assert/strict";
import fc from "fast-check";
import { differentiate, functionsOf } from "../src/autodiff/index.ts";
import { must, type Shaped, shaped, sizeOf } from "../src/base/index.ts";
import {
  buildGraph,
  encodeModel,
  evaluateGraph,
  type Graph,
  type GraphBuilder,
  int,
  liveNodes,
  type Value,
} from "../src/onnx/index.ts";
import { openExecutor } from "../src/runtime/index.ts";
import { dot, numbers, randomArray } from "./graphs.ts";

/** An input to be filled with random numbers: uniform in [-1, 1), or where `from` takes those. */
export interface Draw {
  readonly shape: readonly number[];
  readonly from?: (uniform: number) => number;
}

/** One use of an operator: its differentiable inputs, and how they become its outputs (integers are constants in there). */
export interface Use {
  readonly inputs: Readonly<Record<string, Draw>>;
  readonly write: (g: GraphBuilder, values: Readonly<Record<string, Value>>) => Value | readonly Value[];
}

/** Random uses of an operator. A file of test/gradient-cases exports `cases`. */
export interface OperatorCase {
  /** Key of the row in `gradients` or `evaluations`, or of both. */
  readonly row: string;
  /** What is special about these uses. */
  readonly of?: string;
  readonly uses: fc.Arbitrary<Use>;
  /** The first opset that has the operator, where it is later than Ichor's own. */
  readonly opset?: number;
  /** Random uses to try (8). */
  readonly runs?: number;
}

/** Central differences in float64 carry h² of the third derivative and 1e-16/h of rounding; constants are float32. */
const slopeTolerance = 1e-6;
/** float32 beside float64. */
const witnessTolerance = 1e-4;
const step = 1e-5;

/**
 * Tries an operator: the builder infers the shapes of its outputs; its gradient (dL/d(input) of a random linear L of its outputs) is the slope of central
 * differences, both computed in float64 by the evaluator; and ONNX Runtime finds the same outputs and gradients in
 * float32. Seeded: the same uses each time.
 */
export async function checkOperator({ uses, runs = 8, opset }: OperatorCase): Promise<void> {
  const property = fc.asyncProperty(uses, fc.nat(1e6), (use, seed) =>
    checkUse(use, seed, opset === undefined ? {} : { opset }),
  );
  await fc.assert(property, { seed: 9, numRuns: runs, includeErrorInReport: true });
}

async function checkUse({ inputs, write }: Use, seed: number, start: Pick<Graph, "opset">): Promise<void> {
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, from = (u: number) => u }], index) => [
      name,
      shaped(numbers(sizeOf(shape), seed + index).map(from), shape),
    ]),
  );
  const graph = writeGraph(feeds, write, start);
  const model = { graph, functions: functionsOf(graph.nodes) };
  const found = evaluateGraph(model, feeds);
  for (const { name, type } of graph.outputs)
    assert.deepEqual(found[name]!.shape, type.shape, `inferred shape of ${name}`);
  await compareWithRuntime(model, feeds, found);
  if (found["loss"] === undefined) return;
  const forward = liveNodes({ ...graph, outputs: graph.outputs.filter(({ name }) => name === "loss") });
  const loss = (moved: typeof feeds | Readonly<Record<string, Shaped>>) =>
    Number(evaluateGraph({ ...model, graph: forward }, moved)["loss"]!.data[0]);
  for (const [index, [name, { data, shape }]] of Object.entries(feeds).entries()) {
    const gradient = Float64Array.from(found[`d_${name}`]?.data ?? new Float64Array(data.length), Number);
    if (found[`d_${name}`] !== undefined) assert.deepEqual(found[`d_${name}`]!.shape, shape, `shape of d_${name}`);
    const direction = numbers(data.length, seed + 50 + index);
    const moved = (by: number) => ({
      ...feeds,
      [name]: shaped(
        Float64Array.from(data, (x, i) => x + by * direction[i]!),
        shape,
      ),
    });
    const [above, below] = [loss(moved(step)), loss(moved(-step))];
    const slope = (above - below) / (2 * step);
    const wanted = dot(gradient, direction);
    const scale = Math.sqrt(dot(gradient, gradient) * dot(direction, direction));
    const allowed = slopeTolerance * scale + 1e-9 * (1 + Math.abs(above)); // rounding of L over the step
    assert.ok(Math.abs(slope - wanted) <= allowed, `${name}: slope ${slope}, gradient ${wanted}, scale ${scale}`);
  }
}

/** Outputs `y0`, `y1`, …; where some are floats also `loss`, and `d_x` for every input x that it depends on. */
function writeGraph(feeds: Readonly<Record<string, Shaped>>, write: Use["write"], start: Pick<Graph, "opset">): Graph {
  const g = buildGraph("use", start);
  const values = Object.fromEntries(
    Object.entries(feeds).map(([name, { shape }]) => [name, g.input(name, { element: "float32", shape })]),
  );
  const written = [write(g, values)].flat() as readonly Value[];
  written.forEach((value, index) => {
    g.output(value, `y${index}`);
  });
  const losses = written.flatMap((value, index) => (value.type.element === "float32" ? [lossOf(g, value, index)] : []));
  const loss = losses.length === 0 ? undefined : losses.reduce((sum, one) => g.node("Add", [sum, one]));
  if (loss !== undefined) {
    g.output(loss, "loss");
    for (const [name, gradient] of differentiate(g, loss, Object.values(values))) g.output(gradient, `d_${name}`);
  }
  return g.finish();
}

/** L = Σ c∘y with fixed random c, so that every element of y has its own dL/dy. */
function lossOf(g: GraphBuilder, y: Value, index: number): Value {
  const shape = y.type.shape.map(Number);
  const weighted = g.node("Mul", [y, g.constant(randomArray(shape, 99 + index))]);
  return g.node("ReduceSum", [weighted, g.axes(shape.map((_, axis) => axis))], { keepdims: int(0) });
}

async function compareWithRuntime(
  model: Parameters<typeof evaluateGraph>[0],
  feeds: Readonly<Record<string, Shaped>>,
  found: Readonly<Record<string, Shaped>>,
): Promise<void> {
  const executor = must(await openExecutor(encodeModel({ ...model, metadata: {} }), { threads: 1 }));
  const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => executor.inputs.includes(name)));
  const answers = await executor.run(used);
  await executor.close();
  for (const [name, { data, shape }] of Object.entries(found)) {
    const answer = answers[name]!;
    assert.deepEqual(answer.shape, shape, `shape of ${name} in ONNX Runtime`);
    const finite = Array.from(data, Number).filter(Number.isFinite);
    const largest = finite.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    data.forEach((value: number | bigint, index: number) => {
      const [mine, other] = [Number(value), Number(answer.data[index])];
      const same = Object.is(mine, other) || Math.abs(mine - other) <= witnessTolerance * largest;
      assert.ok(same, `${name}[${index}]: evaluator ${mine}, ONNX Runtime ${other}`);
    });
  }
}
