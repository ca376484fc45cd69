import { shaped } from "../../base/index.ts";
import { buildGraph, encodeModel, type GraphBuilder } from "../../onnx/index.ts";
import { openExecutor } from "../executor.ts";
import { blockedConv, blockedDomain, toPlain } from "./operators.ts";

/** Largest difference of the self-test from the values worked out by hand: a few roundings of float32. */
const tolerance = 1e-5;

let probed: Promise<number | undefined> | undefined;

/**
 * The block size of this processor (8 with AVX2, 16 with AVX-512), or undefined where the blocked operators are missing
 * or wrong: they are internal to ONNX Runtime, so they are asked for and tried, never assumed. Asked once a process.
 */
export function probeBlock(): Promise<number | undefined> {
  probed ??= probe();
  return probed;
}

async function probe(): Promise<number | undefined> {
  const answer = await run((g) => {
    const x = g.constant(shaped(new Float32Array(4).fill(1), [1, 4, 1, 1]));
    const type = { element: "float32", shape: ["n", "c", "h", "w"] } as const;
    g.output(g.node("ReorderInput", [x], {}, { domain: blockedDomain, types: [type] }), "y");
  });
  const block = answer?.length; // four channels, padded to one block
  if (block !== 8 && block !== 16) return undefined;
  return (await convolvesRight(block)) ? block : undefined;
}

/** A 1×1 convolution with known values: channel o of the output is Σ_i (i + 1)·(o − i). */
async function convolvesRight(block: number): Promise<boolean> {
  const lanes = Array.from({ length: block }, (_, lane) => lane);
  const answer = await run((g) => {
    const x = g.constant(
      shaped(
        Float32Array.from(lanes, (i) => i + 1),
        [1, block, 1, 1],
      ),
      "x",
    );
    const w = g.constant(
      shaped(Float32Array.from(lanes.flatMap((i) => lanes.map((o) => o - i))), [block, block, 1, 1]),
      "w",
    );
    g.output(toPlain(g, blockedConv(g, x, w, { kernel: [1, 1] }), block), "y");
  });
  return lanes.every((o) => {
    const wanted = lanes.reduce((sum, i) => sum + (i + 1) * (o - i), 0);
    return Math.abs((answer?.[o] ?? Number.NaN) - wanted) <= tolerance * Math.abs(wanted) + tolerance;
  });
}

async function run(write: (g: GraphBuilder) => void): Promise<Float32Array | undefined> {
  const g = buildGraph("probe");
  write(g);
  const opened = await openExecutor(encodeModel({ graph: g.finish(), functions: [], metadata: {} }), { threads: 1 });
  if (opened.kind === "problem") return undefined;
  const { y } = await opened.value.run({});
  await opened.value.close();
  return y?.data instanceof Float32Array ? y.data : undefined;
}
