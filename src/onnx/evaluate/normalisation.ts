import { type Shaped, shaped, sizeOf } from "../../base/index.ts";
import { floatOf, intOf } from "../attributes.ts";
import { arrayAt, axisOf, type Evaluation, type Evaluations, numberAt, truths } from "./evaluation.ts";

/** Rows of equal length one after the other, each less its mean and divided by √(variance + ε). */
function standardised({ data }: Shaped, length: number, epsilon: number) {
  const normal = Float64Array.from(data, Number);
  const [means, inverses] = [[] as number[], [] as number[]];
  for (let start = 0; start < normal.length; start += length) {
    const row = normal.subarray(start, start + length);
    const mean = row.reduce((sum, x) => sum + x, 0) / length;
    const inverse = 1 / Math.sqrt(row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / length + epsilon);
    row.forEach((x, index) => {
      row[index] = (x - mean) * inverse;
    });
    means.push(mean);
    inverses.push(inverse);
  }
  return { normal, means: Float64Array.from(means), inverses: Float64Array.from(inverses) };
}

/** One number for every channel of x [N, C, …], in memory's order. */
const ofChannel = ({ shape }: Shaped, index: number) => Math.floor(index / sizeOf(shape.slice(2))) % shape[1]!;

// y = scale·(x − mean)/√(variance + ε) + bias over the axes from `axis` on; scale and bias broadcast to those
const layerNormalization: Evaluation = (call) => {
  const [x, scale, bias] = [arrayAt(call, 0), arrayAt(call, 1), call.inputs[2]];
  const axis = axisOf(intOf(call.node.attributes, "axis", -1), x.shape.length);
  const inner = x.shape.slice(axis);
  const length = sizeOf(inner);
  const { normal, means, inverses } = standardised(x, length, floatOf(call.node.attributes, "epsilon", 1e-5));
  if (scale.data.length !== length)
    throw new Error(`${call.node.name}: a scale of shape [${scale.shape}] is not evaluated`);
  const y = normal.map((z, index) => z * Number(scale.data[index % length]) + Number(bias?.data[index % length] ?? 0));
  const outer = x.shape.map((one, at) => (at < axis ? one : 1));
  return [shaped(y, x.shape), shaped(means, outer), shaped(inverses, outer)];
};

const instanceNormalization: Evaluation = (call) => {
  const [x, scale, bias] = [arrayAt(call, 0), arrayAt(call, 1), arrayAt(call, 2)];
  const { normal } = standardised(x, sizeOf(x.shape.slice(2)), floatOf(call.node.attributes, "epsilon", 1e-5));
  const y = normal.map((z, index) => {
    const channel = ofChannel(x, index);
    return z * Number(scale.data[channel]) + Number(bias.data[channel]);
  });
  return [shaped(y, x.shape)];
};

// scale and bias are one number a group (opset 18) or a channel (from opset 21 on)
const groupNormalization: Evaluation = (call) => {
  const [x, scale, bias] = [arrayAt(call, 0), arrayAt(call, 1), arrayAt(call, 2)];
  const groups = intOf(call.node.attributes, "num_groups", 1);
  const length = sizeOf(x.shape.slice(1)) / groups;
  const { normal } = standardised(x, length, floatOf(call.node.attributes, "epsilon", 1e-5));
  const each = x.shape[1]! / scale.data.length;
  const y = normal.map((z, index) => {
    const at = Math.floor(ofChannel(x, index) / each);
    return z * Number(scale.data[at]) + Number(bias.data[at]);
  });
  return [shaped(y, x.shape)];
};

// y = scale·(x − mean)/√(variance + ε) + bias with the running statistics that go in
const batchNormalization: Evaluation = (call) => {
  if (intOf(call.node.attributes, "training_mode", 0) === 1) {
    throw new Error(`${call.node.name}: BatchNormalization is evaluated with running statistics only`);
  }
  const x = arrayAt(call, 0);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((index) => Array.from(arrayAt(call, index).data, Number));
  const epsilon = floatOf(call.node.attributes, "epsilon", 1e-5);
  const y = Float64Array.from(x.data, Number).map((z, index) => {
    const c = ofChannel(x, index);
    return (scale![c]! * (z - mean![c]!)) / Math.sqrt(variance![c]! + epsilon) + bias![c]!;
  });
  return [shaped(y, x.shape)];
};

// y = x, nothing is masked; in training mode it is random, which is not evaluated
const dropout: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  if (numberAt(call, 2, 0) !== 0) throw new Error(`${call.node.name}: Dropout in training mode is not evaluated`);
  return [x, truths(new Uint8Array(x.data.length).fill(1), x.shape)];
};

/** Normalisations, and what regularises beside them. */
export const normalisation: Evaluations = {
  BatchNormalization: batchNormalization,
  Dropout: dropout,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
};
