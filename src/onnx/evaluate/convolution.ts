import { shaped, sizeOf } from "../../base/index.ts";
import { intOf } from "../attributes.ts";
import { slidingOf, slidLength, spreadingOf } from "../sliding.ts";
import { arrayAt, type Evaluation, type Evaluations, offsetOf, placesOf, stridesOf } from "./evaluation.ts";

// y[n, o, p] = b[o] + Σ_c Σ_k x[n, c, p·s + k·d − pad]·w[o, c, k], c within the group of o
const conv: Evaluation = (call) => {
  const [x, w, bias] = [arrayAt(call, 0), arrayAt(call, 1), call.inputs[2]];
  const kernel = w.shape.slice(2);
  const size = x.shape.slice(2);
  const sliding = slidingOf(call.node, kernel, size);
  const [channels, filters] = [w.shape[1]!, w.shape[0]!];
  const perGroup = filters / intOf(call.node.attributes, "group", 1);
  const slid = size.map((length, axis) => slidLength(length, sliding, axis));
  const shape = [x.shape[0]!, filters, ...slid];
  const [xs, ws] = [stridesOf(x.shape), stridesOf(w.shape)];
  const values = new Float64Array(sizeOf(shape));
  let index = 0;
  for (const [n, o, ...place] of placesOf(shape)) {
    let sum = bias === undefined ? 0 : Number(bias.data[o!]);
    for (const [c, ...tap] of placesOf([channels, ...kernel])) {
      const from = place.map((p, i) => p * sliding.strides[i]! + tap[i]! * sliding.dilations[i]! - sliding.pads[i]!);
      if (from.some((at, i) => at < 0 || at >= size[i]!)) continue;
      const channel = Math.floor(o! / perGroup) * channels + c!;
      sum += Number(x.data[offsetOf([n!, channel, ...from], xs)]) * Number(w.data[offsetOf([o!, c!, ...tap], ws)]);
    }
    values[index++] = sum;
  }
  return [shaped(values, shape)];
};

// y[n, o, p·s + k·d − pad] += x[n, c, p]·w[c, o, k], o within the group of c
const convTranspose: Evaluation = (call) => {
  const [x, w, bias] = [arrayAt(call, 0), arrayAt(call, 1), call.inputs[2]];
  const kernel = w.shape.slice(2);
  const { strides, pads, dilations, size } = spreadingOf(call.node, kernel, x.shape.slice(2));
  const group = intOf(call.node.attributes, "group", 1);
  const [channels, perGroup] = [x.shape[1]!, w.shape[1]!];
  const shape = [x.shape[0]!, perGroup * group, ...size];
  const [ws, ys] = [stridesOf(w.shape), stridesOf(shape)];
  const values = new Float64Array(sizeOf(shape));
  let index = 0;
  for (const [n, c, ...place] of placesOf(x.shape)) {
    const number = Number(x.data[index++]);
    const first = Math.floor(c! / (channels / group)) * perGroup;
    for (const [o, ...tap] of placesOf([perGroup, ...kernel])) {
      const to = place.map((p, axis) => p * strides[axis]! + tap[axis]! * dilations[axis]! - pads[axis]!);
      if (to.some((at, axis) => at < 0 || at >= size[axis]!)) continue;
      values[offsetOf([n!, first + o!, ...to], ys)]! += number * Number(w.data[offsetOf([c!, o!, ...tap], ws)]);
    }
  }
  if (bias !== undefined) {
    const plane = sizeOf(size);
    for (let i = 0; i < values.length; i++) values[i]! += Number(bias.data[Math.floor(i / plane) % shape[1]!]);
  }
  return [shaped(values, shape)];
};

/** Convolutions. */
export const convolution: Evaluations = { Conv: conv, ConvTranspose: convTranspose };
