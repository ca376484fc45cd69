// Operators with attributes beside PyTorch in float64: convolutions, poolings, normalisations, Resize, recurrent ones.
import { test } from "node:test";
import { normaliseBatch } from "../src/autodiff/composites.ts";
import { type Shaped, shaped, sizeOf } from "../src/base/index.ts";
import { type Attribute, type Attributes, float, int, ints, string, strings } from "../src/onnx/index.ts";
import { numbers } from "./graphs.ts";
import { compareWithTorch, type Row, skip } from "./torch-oracle.ts";

/** Attributes as ONNX names them, for both sides. */
type Plain = Readonly<Record<string, number | string | readonly number[] | readonly string[]>>;

const floating = new Set(["epsilon", "ratio", "cubic_coeff_a"]);

function attribute(name: string, value: Plain[string]): Attribute {
  if (typeof value === "number") return floating.has(name) ? float(value) : int(value);
  if (typeof value === "string") return string(value);
  const texts = value.filter((one) => typeof one === "string");
  return texts.length > 0 ? strings(texts) : ints(value.filter((one) => typeof one === "number"));
}

const attributesOf = (plain: Plain): Attributes =>
  Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, attribute(name, value)]));

let seed = 1;
const random = (...shape: readonly number[]): Shaped<Float64Array> =>
  shaped(Float64Array.from(numbers(sizeOf(shape), seed++)), shape);
/** Numbers in [0.5, 2.5). */
const above = (...shape: readonly number[]): Shaped<Float64Array> =>
  shaped(
    random(...shape).data.map((x) => x + 1.5),
    shape,
  );
/** Few different numbers, so that windows have ties. */
const tied = (...shape: readonly number[]): Shaped<Float64Array> =>
  shaped(
    random(...shape).data.map((x) => Math.round(2 * x)),
    shape,
  );

const row = (op: string, attributes: Plain, ...inputs: readonly Shaped<Float64Array>[]): Row => ({
  inputs,
  attributes,
  write: (g, values) => g.node(op, values, attributesOf(attributes)),
});

const resized = (attributes: Plain, x: Shaped<Float64Array>, sizes: readonly number[]): Row => ({
  inputs: [x],
  attributes: { ...attributes, sizes },
  write: (g, [value]) => g.node("Resize", [value, undefined, undefined, g.axes(sizes)], attributesOf(attributes)),
});

interface Recurrent {
  readonly gates: number;
  readonly states: number;
  readonly direction?: string;
  readonly initial?: boolean;
  readonly more?: Plain;
}

/** X [4, 2, 3], two hidden units; all outputs. */
function recurrent(op: string, { gates, states, direction = "forward", initial = false, more = {} }: Recurrent): Row {
  const d = direction === "bidirectional" ? 2 : 1;
  const starts = initial ? Array.from({ length: states }, () => random(d, 2, 2)) : [];
  const attributes = { ...more, hidden_size: 2, direction };
  return {
    inputs: [random(4, 2, 3), random(d, 2 * gates, 3), random(d, 2 * gates, 2), random(d, 4 * gates), ...starts],
    attributes,
    write: (g, [x, w, r, b, ...given]) => g.nodes(op, [x, w, r, b, undefined, ...given], attributesOf(attributes)),
  };
}
const gru = { gates: 3, states: 1, more: { linear_before_reset: 1 } };
const lstm = { gates: 4, states: 2 };
const rnn = { gates: 1, states: 1 };

const epsilon = 2 ** -10;
const half = { coordinate_transformation_mode: "half_pixel" };
const corners = { coordinate_transformation_mode: "align_corners" };
const torchNearest = { mode: "nearest", nearest_mode: "floor", coordinate_transformation_mode: "asymmetric" };

/** Names as in test/oracles/torch_operators.py, and after a comma what is special. */
const rows: Readonly<Record<string, Row>> = {
  "AveragePool, pads not counted": row(
    "AveragePool",
    { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 1, 1, 1] },
    random(2, 3, 7, 6),
  ),
  "AveragePool, pads counted, ceil mode": row(
    "AveragePool",
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1, ceil_mode: 1 },
    random(2, 3, 8, 6),
  ),
  "AveragePool, three axes": row("AveragePool", { kernel_shape: [2, 2, 2], strides: [2, 2, 1] }, random(1, 2, 5, 4, 4)),
  "BatchNormalization, running statistics": runningBatchNormalisation(random(3, 2, 4, 3)),
  "BatchNormalizationTraining, planes": batchNormalisation(random(3, 2, 4, 3)),
  "BatchNormalizationTraining, vectors": batchNormalisation(random(5, 2)),
  "BatchNormalizationTraining, volumes": batchNormalisation(random(2, 2, 3, 2, 2)),
  "Conv, strides that do not divide": row(
    "Conv",
    { strides: [2, 3], pads: [1, 0, 2, 1] },
    random(2, 3, 8, 9),
    random(4, 3, 3, 2),
    random(4),
  ),
  "Conv, depthwise and dilated": row(
    "Conv",
    { dilations: [2, 1], group: 3, pads: [2, 1, 2, 1] },
    random(2, 3, 7, 6),
    random(6, 1, 3, 3),
  ),
  "Conv, auto_pad": row("Conv", { auto_pad: "SAME_UPPER" }, random(1, 2, 5, 6), random(3, 2, 2, 3), random(3)),
  "Conv, one axis, groups": row("Conv", { strides: [2], group: 2 }, random(2, 4, 9), random(6, 2, 3), random(6)),
  "Conv, three axes": row(
    "Conv",
    { strides: [1, 2, 1], pads: [1, 1, 0, 1, 1, 0] },
    random(1, 2, 3, 5, 4),
    random(3, 2, 3, 3, 2),
    random(3),
  ),
  "ConvTranspose, output padding and groups": row(
    "ConvTranspose",
    { strides: [2, 3], pads: [1, 1, 1, 1], output_padding: [1, 2], group: 2 },
    random(2, 4, 4, 3),
    random(4, 3, 3, 3),
    random(6),
  ),
  "ConvTranspose, dilated": row("ConvTranspose", { dilations: [2] }, random(1, 2, 5), random(2, 3, 3), random(3)),
  "ConvTranspose, three axes": row(
    "ConvTranspose",
    { strides: [2, 2, 1] },
    random(1, 2, 2, 3, 2),
    random(2, 1, 2, 2, 2),
  ),
  GlobalAveragePool: row("GlobalAveragePool", {}, random(2, 3, 4, 5)),
  "GlobalMaxPool, one axis": row("GlobalMaxPool", {}, tied(2, 3, 5)),
  "GlobalMaxPool, ties": row("GlobalMaxPool", {}, tied(2, 3, 4, 5)),
  "GroupNormalization, a scale a channel": {
    ...row("GroupNormalization", { epsilon, num_groups: 2 }, random(2, 4, 3, 2), above(4), random(4)),
    opset: 21,
  },
  "GRU, forward": recurrent("GRU", gru),
  "GRU, reverse": recurrent("GRU", { ...gru, direction: "reverse" }),
  "GRU, both directions, initial states": recurrent("GRU", { ...gru, direction: "bidirectional", initial: true }),
  InstanceNormalization: row("InstanceNormalization", { epsilon }, random(2, 3, 4, 3), above(3), random(3)),
  "LayerNormalization, last axis": row(
    "LayerNormalization",
    { epsilon, axis: -1 },
    random(3, 2, 5),
    above(5),
    random(5),
  ),
  "LayerNormalization, two axes": row(
    "LayerNormalization",
    { epsilon, axis: 1 },
    random(3, 2, 4),
    above(2, 4),
    random(2, 4),
  ),
  "LpNormalization, p = 1": row("LpNormalization", { p: 1, axis: 1 }, random(3, 4)),
  "LpNormalization, p = 2": row("LpNormalization", { p: 2, axis: -1 }, random(3, 4)),
  "LSTM, forward": recurrent("LSTM", lstm),
  "LSTM, reverse": recurrent("LSTM", { ...lstm, direction: "reverse" }),
  "LSTM, both directions, initial states": recurrent("LSTM", { ...lstm, direction: "bidirectional", initial: true }),
  "MaxPool, ties": row("MaxPool", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, tied(2, 3, 7, 8)),
  "MaxPool, ceil mode, dilated": row(
    "MaxPool",
    { kernel_shape: [2, 3], strides: [3, 2], dilations: [2, 1], ceil_mode: 1, pads: [1, 1, 1, 1] },
    tied(2, 2, 9, 8),
  ),
  "MaxPool, one axis": row("MaxPool", { kernel_shape: [3], strides: [1] }, tied(2, 2, 7)),
  "MaxPool, three axes": row("MaxPool", { kernel_shape: [2, 2, 2], strides: [2, 1, 2] }, tied(1, 2, 4, 4, 5)),
  "Resize, nearest": resized(torchNearest, random(1, 2, 3, 4), [1, 2, 7, 6]),
  "Resize, linear, larger": resized({ mode: "linear", ...half }, random(1, 2, 3, 4), [1, 2, 7, 6]),
  "Resize, linear, smaller, corners": resized({ mode: "linear", ...corners }, random(1, 2, 6, 7), [1, 2, 4, 3]),
  "Resize, linear, three axes": resized({ mode: "linear", ...half }, random(1, 1, 3, 2, 3), [1, 1, 5, 4, 6]),
  "Resize, linear, smaller, antialias": resized(
    { mode: "linear", ...half, antialias: 1, exclude_outside: 1 },
    random(1, 2, 9, 8),
    [1, 2, 3, 5],
  ),
  "Resize, cubic, smaller, antialias": resized(
    { mode: "cubic", ...half, antialias: 1, exclude_outside: 1, cubic_coeff_a: -0.5 },
    random(1, 2, 9, 8),
    [1, 2, 3, 5],
  ),
  "Resize, cubic": resized({ mode: "cubic", ...half, cubic_coeff_a: -0.75 }, random(1, 2, 4, 4), [1, 2, 7, 6]),
  "Resize, cubic, corners": resized(
    { mode: "cubic", ...corners, cubic_coeff_a: -0.75 },
    random(1, 1, 5, 4),
    [1, 1, 3, 7],
  ),
  "RNN, both directions": recurrent("RNN", { ...rnn, direction: "bidirectional" }),
  "RNN, Relu": recurrent("RNN", { ...rnn, initial: true, more: { activations: ["Relu"] } }),
};

function batchNormalisation(x: Shaped<Float64Array>): Row {
  return {
    inputs: [x, above(2), random(2)],
    attributes: { epsilon },
    write: (g, [value, scale, bias]) =>
      Object.values(normaliseBatch(g, { x: value!, scale: scale!, bias: bias!, epsilon }))[0]!,
  };
}

/** Statistics are constants: PyTorch has no gradient to them. */
function runningBatchNormalisation(x: Shaped<Float64Array>): Row {
  const [mean, variance] = [Float32Array.of(0.25, -0.5), Float32Array.of(0.75, 2)];
  return {
    inputs: [x, above(2), random(2)],
    attributes: { epsilon, mean: [...mean], variance: [...variance] },
    write: (g, values) => {
      const statistics = [mean, variance].map((one) => g.constant(shaped(one, [2])));
      return g.node("BatchNormalization", [...values, ...statistics], { epsilon: float(epsilon) });
    },
  };
}

test("operators with attributes and their gradients are PyTorch's", { skip }, (t) =>
  compareWithTorch(t, "torch_operators.py", rows),
);
