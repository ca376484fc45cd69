// A thread that computes gradients of its share of a batch.
import type { Shaped } from "../base/index.ts";
import type { Program } from "../onnx/index.ts";
import { type LoweredProgram, lowerForCpu } from "./blocked/lower.ts";
import { type Executor, openExecutor } from "./executor.ts";
import type { GradientAnswer, GradientRequest } from "./shared-session.ts";

interface Opened {
  readonly program: Program;
  readonly lowered: LoweredProgram | undefined;
  readonly executor: Executor;
}

let opened: Opened | undefined;

export default async function answer(request: GradientRequest): Promise<GradientAnswer> {
  try {
    if (request.kind === "open") return await open(request);
    if (request.kind === "close") {
      await opened?.executor.close();
      opened = undefined;
      return { kind: "closed" };
    }
    if (opened === undefined) return { kind: "no session" };
    return await gradientOf(opened, request);
  } catch (error) {
    return { kind: "fault", message: error instanceof Error ? error.message : String(error) };
  }
}

async function open({ program, threads }: Extract<GradientRequest, { kind: "open" }>): Promise<GradientAnswer> {
  const lowered = await lowerForCpu(program);
  const executor = await openExecutor(lowered?.model ?? program.model, { threads, where: "gradient" });
  if (executor.kind === "problem") return executor;
  opened = { program, lowered, executor: executor.value };
  return { kind: "opened", form: lowered === undefined ? "portable" : `blocked (${lowered.block})` };
}

/** Vectors come and go in plain layout, so that all threads and the update speak of the same numbers. */
async function gradientOf(
  { program, lowered, executor }: Opened,
  { parameters, buffers, feeds }: Extract<GradientRequest, { kind: "gradient" }>,
): Promise<GradientAnswer> {
  const held: Record<string, Float32Array> = {
    parameters: lowered?.pack("parameters", parameters) ?? parameters,
    buffers: lowered?.pack("buffers", buffers) ?? buffers,
  };
  const inputs: Record<string, Shaped> = {};
  for (const [name, data] of Object.entries(held)) inputs[name] = { data, shape: [data.length] };
  for (const { name, vector, offset, length } of lowered?.views ?? []) {
    inputs[name] = { data: held[vector]!.subarray(offset, offset + length), shape: [length] };
  }
  for (const { name, shape } of program.feeds) inputs[name] = { data: feeds[name]!, shape };
  const wanted = new Set(executor.inputs);
  const given = Object.fromEntries(Object.entries(inputs).filter(([name]) => wanted.has(name)));
  const answers = await executor.run(given);
  const vector = (name: string, layout: string) => {
    const data = answers[name]?.data;
    if (!(data instanceof Float32Array)) return new Float32Array(0);
    return lowered?.unpack(layout, data) ?? data;
  };
  const [gradient, moved] = [vector("gradient", "parameters"), vector("buffers_next", "buffers")];
  return { kind: "gradient", loss: Number(answers["loss"]?.data[0]), gradient, buffers: moved };
}
