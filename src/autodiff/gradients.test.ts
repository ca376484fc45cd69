import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, dot, floats, randomArray, runGraph } from "../../test/graphs.ts";
import type { Shaped } from "../base/index.ts";
import { float, type GraphBuilder, int, ints, type Value } from "../onnx/index.ts";
import { callComposite } from "./composites.ts";
import { differentiate } from "./differentiate.ts";
import { gradients } from "./gradients.ts";

/** One operator in use: its inputs and how they become y. */
interface Case {
  readonly row: keyof typeof gradients;
  readonly inputs: Readonly<Record<string, Shaped<Float32Array>>>;
  readonly write: (g: GraphBuilder, values: Readonly<Record<string, Value>>) => Value;
}

const positive = (array: Shaped<Float32Array>): Shaped<Float32Array> => ({
  ...array,
  data: array.data.map((x) => 1.5 + x),
});
/** Away from the kink of a ReLU or a modulus, where a difference is no derivative. */
const kinkless = (array: Shaped<Float32Array>): Shaped<Float32Array> => ({
  ...array,
  data: array.data.map((x) => x + Math.sign(x) * 0.2),
});
const conv = (attributes: Record<string, readonly number[]>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, ints(value)]));

const x234 = randomArray([2, 3, 4], 1);
const plane = randomArray([2, 3, 6, 5], 2);
const cases: readonly Case[] = [
  { row: "Abs", inputs: { x: kinkless(x234) }, write: (g, { x }) => g.node("Abs", [x]) },
  { row: "Add", inputs: { x: x234, y: randomArray([3, 1], 3) }, write: (g, { x, y }) => g.node("Add", [x, y]) },
  {
    row: "Conv",
    inputs: { x: plane, w: randomArray([4, 3, 3, 3], 4), b: randomArray([4], 5) },
    write: (g, { x, w, b }) => g.node("Conv", [x, w, b], conv({ pads: [1, 1, 1, 1] })),
  },
  {
    row: "Conv",
    inputs: { x: plane, w: randomArray([4, 3, 3, 3], 4) },
    write: (g, { x, w }) => g.node("Conv", [x, w], conv({ pads: [1, 1, 1, 1], strides: [2, 2] })),
  },
  {
    row: "Conv",
    inputs: { x: plane, w: randomArray([2, 3, 3, 2], 4) },
    write: (g, { x, w }) => g.node("Conv", [x, w], conv({ pads: [2, 0, 1, 1], strides: [3, 1], dilations: [1, 2] })),
  },
  { row: "Exp", inputs: { x: x234 }, write: (g, { x }) => g.node("Exp", [x]) },
  { row: "Flatten", inputs: { x: x234 }, write: (g, { x }) => g.node("Flatten", [x]) },
  {
    row: "Gemm",
    inputs: { x: randomArray([4, 3], 6), w: randomArray([5, 3], 7), b: randomArray([5], 8) },
    write: (g, { x, w, b }) => g.node("Gemm", [x, w, b], { transB: int(1) }),
  },
  {
    row: "Gemm",
    inputs: { x: randomArray([3, 4], 6), w: randomArray([3, 5], 7), b: randomArray([1, 5], 8) },
    write: (g, { x, w, b }) => g.node("Gemm", [x, w, b], { transA: int(1) }),
  },
  { row: "GlobalAveragePool", inputs: { x: plane }, write: (g, { x }) => g.node("GlobalAveragePool", [x]) },
  { row: "Identity", inputs: { x: x234 }, write: (g, { x }) => g.node("Identity", [x]) },
  { row: "Log", inputs: { x: positive(x234) }, write: (g, { x }) => g.node("Log", [x]) },
  {
    row: "MatMul",
    inputs: { x: randomArray([2, 3, 4], 9), y: randomArray([4, 5], 10) },
    write: (g, { x, y }) => g.node("MatMul", [x, y]),
  },
  { row: "Mul", inputs: { x: x234, y: randomArray([2, 1, 4], 11) }, write: (g, { x, y }) => g.node("Mul", [x, y]) },
  { row: "Neg", inputs: { x: x234 }, write: (g, { x }) => g.node("Neg", [x]) },
  {
    row: "ReduceMean",
    inputs: { x: randomArray([3, 3, 4], 12) },
    write: (g, { x }) => g.node("ReduceMean", [x, g.axes([0, 2])], { keepdims: int(0) }),
  },
  { row: "ReduceMean", inputs: { x: x234 }, write: (g, { x }) => g.node("ReduceMean", [x, g.axes([-1])]) },
  {
    row: "ReduceSum",
    inputs: { x: randomArray([3, 3, 4], 12) },
    write: (g, { x }) => g.node("ReduceSum", [x, g.axes([0])], { keepdims: int(0) }),
  },
  { row: "Relu", inputs: { x: kinkless(x234) }, write: (g, { x }) => g.node("Relu", [x]) },
  { row: "Reshape", inputs: { x: x234 }, write: (g, { x }) => g.node("Reshape", [x, g.axes([6, 4])]) },
  { row: "Sigmoid", inputs: { x: x234 }, write: (g, { x }) => g.node("Sigmoid", [x]) },
  { row: "Sub", inputs: { x: x234, y: randomArray([4], 13) }, write: (g, { x, y }) => g.node("Sub", [x, y]) },
  { row: "Transpose", inputs: { x: x234 }, write: (g, { x }) => g.node("Transpose", [x], { perm: ints([2, 0, 1]) }) },
  {
    row: "ichor:BatchNormalizationTraining",
    inputs: { x: plane, scale: positive(randomArray([3], 14)), bias: randomArray([3], 15) },
    write: (g, { x, scale, bias }) =>
      callComposite(g, "BatchNormalizationTraining", {
        inputs: [x!, scale!, bias!],
        attributes: { epsilon: float(1e-5) },
      })[0]!,
  },
  {
    row: "ichor:WeightedCrossEntropy",
    inputs: { x: randomArray([3, 6], 16) },
    write: (g, { x }) => {
      const y = g.constant({ data: Float32Array.from({ length: 18 }, (_, i) => i % 2), shape: [3, 6] });
      const share = g.constant({ data: Float32Array.of(1, 1, 1, 1, 1, 2), shape: [1, 6] });
      return callComposite(g, "WeightedCrossEntropy", { inputs: [x!, y, share] })[0]!;
    },
  },
];

/** L = Σ c∘y with fixed random c, so that every element of y has its own dL/dy. */
const lossOf = (g: GraphBuilder, y: Value): Value => {
  const shape = y.type.shape.map(Number);
  const weighted = g.node("Mul", [y, g.constant(randomArray(shape, 99))]);
  return g.node("ReduceSum", [weighted, g.axes(shape.map((_, axis) => axis))], { keepdims: int(0) });
};

/** float32 forward values carry about 1e-6 of error, which a step of 1e-2 turns into 1e-4 of the slope; curvature adds h². */
const tolerance = 3e-3;

for (const { row, inputs, write } of cases) {
  const shapes = Object.values(inputs)
    .map(({ shape }) => `[${shape}]`)
    .join(" ");
  test(`the gradient of ${row} on ${shapes} is the slope of central differences`, async () => {
    const names = Object.keys(inputs);
    const answer = await runGraph(inputs, (g, values) => {
      const found = differentiate(g, lossOf(g, write(g, values)), Object.values(values));
      return Object.fromEntries(names.map((name) => [`d_${name}`, found.get(name)!]));
    });
    const loss = async (moved: typeof inputs) =>
      floats((await runGraph(moved, (g, values) => ({ loss: lossOf(g, write(g, values)) })))["loss"])[0]!;
    for (const [index, name] of names.entries()) {
      const { data, shape } = inputs[name]!;
      const gradient = floats(answer[`d_${name}`]);
      assert.deepEqual(answer[`d_${name}`]?.shape, shape);
      const direction = randomArray(shape, 50 + index).data;
      const step = 1e-2;
      const at = (sign: number) => ({
        ...inputs,
        [name]: { data: data.map((x, i) => x + sign * step * direction[i]!), shape },
      });
      const slope = ((await loss(at(1))) - (await loss(at(-1)))) / (2 * step);
      const scale = Math.sqrt(dot(gradient, gradient) * dot(direction, direction));
      assert.ok(
        Math.abs(slope - dot(gradient, direction)) <= tolerance * scale,
        `${name}: slope ${slope}, gradient ${dot(gradient, direction)}`,
      );
    }
  });
}

test("every gradient rule has a case", () => {
  assert.deepEqual(
    Object.keys(gradients).filter((row) => !cases.some((one) => one.row === row)),
    [],
  );
});

test("the input and weight gradients of a convolution are its adjoints, to rounding", async () => {
  // <dy, w ⋆ x> is linear in x and in w, so <dx, x> = <dw, w> = <dy, y> exactly; a naive loop is the second witness of y.
  const inputs = {
    x: randomArray([2, 3, 7, 6], 21),
    w: randomArray([4, 3, 3, 3], 22),
    dy: randomArray([2, 4, 4, 3], 23),
  };
  const answer = await runGraph(inputs, (g, { x, w, dy }) => {
    const y = g.node("Conv", [x, w], conv({ pads: [1, 1, 1, 1], strides: [2, 2] }));
    const loss = g.node("ReduceSum", [g.node("Mul", [y, dy]), g.axes([0, 1, 2, 3])], { keepdims: int(0) });
    const found = differentiate(g, loss, [x!, w!]);
    return { y, dx: found.get("x")!, dw: found.get("w")! };
  });
  const naive = naiveConv(inputs.x, inputs.w, { stride: 2, pad: 1 });
  assert.ok(distance(floats(answer["y"]), naive) < 1e-6);
  const value = dot(naive, inputs.dy.data);
  assert.ok(Math.abs(dot(floats(answer["dx"]), inputs.x.data) - value) < 1e-4);
  assert.ok(Math.abs(dot(floats(answer["dw"]), inputs.w.data) - value) < 1e-4);
});

test("a node without a rule is an error that names node, operator and where to add it", async () => {
  const inputs = { x: x234 };
  await assert.rejects(
    runGraph(inputs, (g, { x }) => ({
      dx: differentiate(g, g.node("ReduceMax", [x], { keepdims: int(0) }), [x!]).get("x")!,
    })),
    /ReduceMax_0: no gradient rule for ReduceMax: add a row to a table in src\/autodiff\/rules/,
  );
});

/** y[n,o,i,j] = Σ x[n,c,s·i+k−p,s·j+l−p]·w[o,c,k,l] in float64. */
function naiveConv(
  x: Shaped<Float32Array>,
  w: Shaped<Float32Array>,
  { stride, pad }: { stride: number; pad: number },
): number[] {
  const [n = 0, c = 0, h = 0, v = 0] = x.shape;
  const [o = 0, , k = 0] = w.shape;
  const [rows, columns] = [h, v].map((length) => Math.floor((length + 2 * pad - k) / stride) + 1);
  const y: number[] = [];
  for (let a = 0; a < n; a++)
    for (let b = 0; b < o; b++)
      for (let i = 0; i < rows!; i++)
        for (let j = 0; j < columns!; j++) {
          let sum = 0;
          for (let d = 0; d < c; d++)
            for (let e = 0; e < k; e++)
              for (let f = 0; f < k; f++) {
                const [row, column] = [i * stride + e - pad, j * stride + f - pad];
                if (row >= 0 && row < h && column >= 0 && column < v)
                  sum += x.data[((a * c + d) * h + row) * v + column]! * w.data[((b * c + d) * k + e) * k + f]!;
              }
          y.push(sum);
        }
  return y;
}
