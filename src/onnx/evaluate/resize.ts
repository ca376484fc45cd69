import { shaped, sizeOf } from "../../base/index.ts";
import { interpolation, resizedAxes } from "../resize.ts";
import { arrayAt, type Evaluation, type Evaluations, integersAt } from "./evaluation.ts";

// y = M·x along one axis after the other
const resize: Evaluation = (call) => {
  const x = arrayAt(call, 0);
  const scales = call.inputs[2] && Array.from(call.inputs[2].data, Number);
  const axes = resizedAxes({ node: call.node, shape: x.shape, scales, sizes: integersAt(call, 3) });
  let [values, shape] = [Float64Array.from(x.data, Number), x.shape];
  for (const [index, axis] of axes.entries()) {
    if (axis.scale === 1 && axis.to === axis.from) continue;
    const matrix = interpolation(call.node, axis);
    const inner = sizeOf(shape.slice(index + 1));
    const next = shape.with(index, axis.to);
    values = Float64Array.from({ length: sizeOf(next) }, (_, at) => {
      const [place, rest] = [Math.floor(at / inner) % axis.to, at % inner];
      const start = Math.floor(at / (inner * axis.to)) * axis.from * inner + rest;
      let sum = 0;
      for (let i = 0; i < axis.from; i++) {
        const weight = matrix[place * axis.from + i]!;
        if (weight !== 0) sum += weight * values[start + i * inner]!;
      }
      return sum;
    });
    shape = next;
  }
  return [shaped(values, shape)];
};

/** Interpolation. */
export const resizing: Evaluations = { Resize: resize };
