import { shaped, sizeOf } from "../../base/index.ts";
import { interpolation, type ResizedAxis, resizedAxes, staticShape, type Value } from "../../onnx/index.ts";
import { numbersLike } from "./formulas.ts";
import { at, type ForwardCall, type Gradient, type Gradients, reshapeLike } from "./rule.ts";

/** dy as [what is before the axis, the axis, what is behind it], times Mᵀ, axis by axis. */
const resize: Gradient = (g, call, dy) => {
  const x = at(call.inputs, 0);
  const shape = staticShape(x.type);
  const axes = resizedAxes({ node: call.node, shape, scales: numbersOf(call, 2), sizes: numbersOf(call, 3) });
  const along = (gradient: Value, [index, axis]: readonly [number, ResizedAxis]): Value => {
    if (axis.scale === 1 && axis.to === axis.from) return gradient;
    const lengths = axes.map(({ from, to }, other) => (other < index ? from : to)); // axes before are done
    const [outer, inner] = [sizeOf(lengths.slice(0, index)), sizeOf(lengths.slice(index + 1))];
    const matrix = interpolation(call.node, axis);
    if (inner === 1) {
      const rows = g.node("Reshape", [gradient, g.axes([outer, axis.to])]);
      return g.node("MatMul", [rows, numbersLike(g, shaped(matrix, [axis.to, axis.from]), dy)]);
    }
    const planes = g.node("Reshape", [gradient, g.axes([outer, axis.to, inner])]);
    return g.node("MatMul", [numbersLike(g, shaped(transposed(matrix, axis), [axis.from, axis.to]), dy), planes]);
  };
  return [() => reshapeLike(g, [...axes.entries()].reduce(along, dy), x)];
};

/** Numbers of an optional input that must be a constant where it is there. */
function numbersOf({ node, inputs, constant }: ForwardCall, index: number): readonly number[] | undefined {
  if (inputs[index] === undefined) return undefined;
  const found = constant(index);
  if (found === undefined) throw new Error(`${node.name}: the gradient of Resize wants constant scales or sizes`);
  return Array.from(found.data, Number);
}

/** [to, from] as [from, to]. */
const transposed = (matrix: Float64Array, { from, to }: ResizedAxis): Float64Array =>
  matrix.map((_, index) => matrix[(index % to) * from + Math.floor(index / to)]!);

/** Interpolation: y = M·x along each axis, dx = Mᵀ·dy. */
export const resizing: Gradients = { Resize: resize };
