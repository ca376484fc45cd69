// A thread that computes gradients of its share of a batch.
import type { Program } from "../onnx/index.ts";
import { type OpenedProgram, openProgram } from "./open-program.ts";
import type { NoAnswer } from "./session-lost.ts";
import type { GradientAnswer, GradientRequest } from "./shared-session.ts";
import { stepInputs } from "./step-inputs.ts";

interface Opened extends OpenedProgram {
  readonly program: Program;
}

let opened: Opened | undefined;

export default async function answer(request: GradientRequest): Promise<GradientAnswer | NoAnswer> {
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

async function open({ program, options }: Extract<GradientRequest, { kind: "open" }>): Promise<GradientAnswer> {
  const ready = await openProgram(program, { ...options, where: "gradient" });
  if (ready.kind === "problem") return ready;
  opened = { program, ...ready.value };
  return { kind: "opened", form: opened.form };
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
  const answers = await executor.run(
    stepInputs(executor, { program, views: lowered?.views ?? [], state: held, feeds }),
  );
  const vector = (name: string, layout: string) => {
    const data = answers[name]?.data;
    if (!(data instanceof Float32Array)) return new Float32Array(0);
    return lowered?.unpack(layout, data) ?? data;
  };
  const [gradient, moved] = [vector("gradient", "parameters"), vector("buffers_next", "buffers")];
  return { kind: "gradient", loss: Number(answers["loss"]?.data[0]), gradient, buffers: moved };
}
