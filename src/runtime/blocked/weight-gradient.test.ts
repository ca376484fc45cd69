import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, floats, randomArray, runGraph } from "../../../test/graphs.ts";
import type { Shaped } from "../../base/index.ts";
import { holdSlots, unpackVector } from "./layout.ts";
import { toBlocked } from "./operators.ts";
import { probeBlock } from "./probe.ts";
import { convWeightGrad, imageWeightGrad } from "./weight-gradient.ts";

const block = await probeBlock();
const skip = block === undefined ? "this processor has no blocked operators" : false;

/** Sums of some thousand float32 products in another order. */
const tolerance = 2e-5;

/** A convolution of x [n, inputs, height, width]. */
interface Case {
  readonly n: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly height: number;
  readonly width: number;
  readonly kernel: number;
  readonly stride: 1 | 2;
}

interface Operands {
  readonly x: Shaped<Float32Array>;
  readonly dy: Shaped<Float32Array>;
}

/** dw[o, c, i, j] = Σ dy[s, o, y, x]·x[s, c, stride·y + i − pad, stride·x + j − pad] by plain loops, in float64. */
function naive({ n, inputs, outputs, height, width, kernel, stride }: Case, { x, dy }: Operands): Float64Array {
  const pad = (kernel - 1) / 2;
  const [rows, columns] = [height / stride, width / stride];
  const dw = new Float64Array(outputs * inputs * kernel * kernel);
  for (const [at] of dw.entries()) {
    const [j, i] = [at % kernel, Math.floor(at / kernel) % kernel];
    const [c, o] = [Math.floor(at / kernel ** 2) % inputs, Math.floor(at / kernel ** 2 / inputs)];
    for (let sample = 0; sample < n; sample++)
      for (let row = 0; row < rows; row++) {
        const y = stride * row + i - pad;
        if (y < 0 || y >= height) continue;
        const [from, by] = [
          ((sample * inputs + c) * height + y) * width,
          ((sample * outputs + o) * rows + row) * columns,
        ];
        for (let column = 0; column < columns; column++) {
          const place = stride * column + j - pad;
          if (place >= 0 && place < width) dw[at]! += x.data[from + place]! * dy.data[by + column]!;
        }
      }
  }
  return dw;
}

/** The same by the blocked form: of x plain as it is at an image, or blocked. */
async function lowered({ inputs, outputs, kernel, stride }: Case, operands: Operands, filter: "filter" | "image") {
  const B = block!;
  const { dw } = await runGraph({ ...operands }, (g, { x, dy }) => {
    const how = { filter, kernel, stride, block: B };
    const held = toBlocked(g, dy!, B);
    if (filter === "image") return { dw: imageWeightGrad(g, { x: x!, dy: held }, how) };
    return { dw: convWeightGrad(g, { x: toBlocked(g, x!, B), dy: held, channels: inputs }, how) };
  });
  const slot = { name: "w", shape: [outputs, inputs, kernel, kernel], offset: 0 };
  return unpackVector(
    floats(dw),
    holdSlots([slot], () => filter, B),
    B,
  );
}

/** Planes of one to eight blocks of columns (of 16), channels that fill no blocks, all kernels. */
const cases: readonly Case[] = ([1, 2] as const).flatMap((stride) => [
  { n: 2, inputs: 5, outputs: 16, height: 6, width: 16 * stride, kernel: 3, stride },
  { n: 3, inputs: 40, outputs: 7, height: 8, width: 32 * stride, kernel: 5, stride },
  { n: 2, inputs: 16, outputs: 20, height: 10, width: 48 * stride, kernel: 7, stride },
  { n: 4, inputs: 32, outputs: 16, height: 4, width: 128 * stride, kernel: 3, stride },
  { n: 2, inputs: 20, outputs: 24, height: 8, width: 8 * stride, kernel: 3, stride },
]);
const imageCases: readonly Case[] = ([1, 2] as const).flatMap((stride) => [
  { n: 2, inputs: 3, outputs: 16, height: 6, width: 16 * stride, kernel: 3, stride },
  { n: 3, inputs: 1, outputs: 20, height: 8, width: 32 * stride, kernel: 5, stride },
  { n: 2, inputs: 3, outputs: 32, height: 16, width: 48 * stride, kernel: 7, stride },
  { n: 2, inputs: 5, outputs: 16, height: 4, width: 128 * stride, kernel: 7, stride },
]);

for (const [filter, what, shapes] of [
  ["filter", "planes", cases],
  ["image", "a plain image", imageCases],
] as const) {
  test(`the weight gradient of convolutions of ${what} is that of plain loops`, { skip }, async () => {
    for (const shape of shapes) {
      const { n, inputs, outputs, height, width, kernel, stride } = shape;
      const operands = {
        x: randomArray([n, inputs, height, width], 1),
        dy: randomArray([n, outputs, height / stride, width / stride], 2),
      };
      const difference = distance(await lowered(shape, operands, filter), naive(shape, operands));
      assert.ok(
        difference < tolerance,
        `${kernel}×${kernel}, stride ${stride}, ${inputs} to ${outputs} channels on ${height}×${width}: ${difference}`,
      );
    }
  });
}
