import { fail, ok, type Result } from "../base/index.ts";
import type { Program } from "../onnx/index.ts";
import { type LoweredProgram, lowerForCpu } from "./blocked/lower.ts";
import { defaultProvider, type Executor, openExecutor, probeProvider } from "./executor.ts";
import { halfMissing, inHalfPrecision, probeHalfPrecision } from "./half-precision.ts";

/** What takes a program's steps, and how its numbers are held there. */
export interface ProgramOptions {
  readonly threads?: number;
  /** A row of `executors`; by default "cpu" in Node and "wasm" in a browser. */
  readonly provider?: string;
  /** "portable" runs the program as it stands; "fastest" (the default) lowers it on a CPU that allows it. */
  readonly form?: "portable" | "fastest";
  /**
   * "float16": convolutions and matrix products in half precision, portable form. Wants a program with loss scaling. A
   * CPU works it out in float32 between two casts: the same numbers as a GPU's to rounding, and no gain.
   */
  readonly precision?: "float32" | "float16";
}

/** A program's graph, ready to run. */
export interface OpenedProgram {
  readonly executor: Executor;
  /** Its lowered form, where that is what runs: the state then has another layout. */
  readonly lowered: LoweredProgram | undefined;
  /** "portable", "portable, float16", or "blocked (16)" with the block size of this processor. */
  readonly form: string;
}

/** Opens a program in the form that runs best here. Problems: those of `openExecutor`, "precision missing". */
export async function openProgram(
  program: Program,
  { form = "fastest", precision = "float32", where, ...options }: ProgramOptions & { readonly where: string },
): Promise<Result<OpenedProgram>> {
  const { provider = defaultProvider } = options;
  const half = precision === "float16";
  const lowered = form === "fastest" && provider === "cpu" && !half ? await lowerForCpu(program) : undefined;
  const model = half ? inHalfPrecision(program.model) : (lowered?.model ?? program.model);
  const opened = await openExecutor(model, { ...options, order: program.order, where });
  if (opened.kind === "problem") {
    const { kind, got } = opened.problem;
    return half && kind === "model refused" ? fail(halfMissing(provider, got)) : opened;
  }
  if (half && (await probeHalfPrecision(provider)) === "missing") {
    await opened.value.close(); // WebGPU compiles a kernel when it first runs: better said now than at the first step
    return fail(halfMissing(provider));
  }
  const named = half ? "portable, float16" : lowered === undefined ? "portable" : `blocked (${lowered.block})`;
  return ok({ executor: opened.value, lowered, form: named });
}

/** Whether a program could be opened, before anything is made for it. Problems as `openProgram`. */
export async function probeDevice({
  provider = defaultProvider,
  precision = "float32",
}: Pick<ProgramOptions, "provider" | "precision">): Promise<Result<void>> {
  const there = await probeProvider(provider);
  if (there.kind === "problem" || precision === "float32") return there;
  return (await probeHalfPrecision(provider)) === "missing" ? fail(halfMissing(provider)) : ok(undefined);
}
