import { makePhantom } from "../../phantom/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { show } from "../output.ts";

/** Flags of `ichor phantom`. */
export interface PhantomFlags extends CommonFlags {
  readonly out: string;
  readonly studies: number;
  readonly seed: number;
  readonly matrix: number;
  readonly slices?: number;
  readonly testStudies: number;
}

/** `ichor phantom`. */
export async function runPhantom(this: Context, flags: PhantomFlags): Promise<void> {
  const { out, studies, seed, matrix, slices, testStudies, threads } = flags;
  const { progress, signal } = this;
  const size = slices === undefined ? {} : { slices };
  const made = await makePhantom({ out, studies, seed, matrix, ...size, testStudies, threads, progress, signal });
  show(this, made, {
    flags,
    text: () => `Simulated studies stand in ${out}.\nNext: ichor index ${out} --out ${out}-index\n`,
  });
}
