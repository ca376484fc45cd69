import { fail, ok, type Problem, type Result, type Shaped } from "../base/index.ts";
import { lengthOfSlots, type Program } from "../onnx/index.ts";
import type { LoweredProgram } from "./blocked/lower.ts";
import type { Executor, Values } from "./executor-port.ts";
import { openProgram, type ProgramOptions } from "./open-program.ts";
import { type StepInputs, seen, stepInputs } from "./step-inputs.ts";

/** State vectors by name (the program's `vectors`, and `buffers`), plain layout. */
export type TrainingState = Readonly<Record<string, Float32Array>>;

/** What a step came to. */
export interface StepResult {
  /** The loss before the step. */
  readonly loss: number;
  /** Without loss scaling always true; with it, false where the gradient was not finite and the state stayed as it was. */
  readonly finite: boolean;
  /** The feeds, which the session needs no more. */
  readonly feeds: Readonly<Record<string, Float32Array>>;
}

/** A training program at work: holds the state between steps. */
export interface TrainingSession {
  /** Takes one step on a batch. */
  step(feeds: Readonly<Record<string, Float32Array>>): Promise<StepResult>;
  /** The state now, copied, in plain layout. */
  read(): Promise<TrainingState>;
  /** What runs: "portable", or "blocked (16)" with the block size of this processor. */
  readonly form: string;
  close(): Promise<void>;
}

/** Opens a training program on this machine. Problems as `openProgram`, and "state does not fit". */
export async function openTrainingSession(
  program: Program,
  initial: TrainingState,
  options: ProgramOptions = {},
): Promise<Result<TrainingSession>> {
  const missing = missingVector(program, initial);
  if (missing !== undefined) return fail(missing);
  const opened = await openProgram(program, { ...options, where: "training step" });
  if (opened.kind === "problem") return opened;
  const { executor, lowered, form } = opened.value;
  const pack = (name: string, plain: Float32Array) => lowered?.pack(name, plain) ?? plain;
  const unpack = (name: string, held: Float32Array) => lowered?.unpack(name, held) ?? held.slice();
  const names = [...program.vectors, ...(program.buffers.length > 0 ? ["buffers"] : [])];
  const state: Record<string, Float32Array> = {};
  for (const name of names) state[name] = pack(name, initial[name]!).slice();
  const updated = names.filter((name) => name === "buffers" || program.updated.includes(name));
  const results =
    lowered?.results ??
    updated.map((vector) => ({ name: `${vector}_next`, vector, offset: 0, shape: [state[vector]!.length] }));
  // Each step writes the next state over the last but one: fresh memory costs a page fault for every 4 kB of it.
  const spare: Record<string, Float32Array> = {};
  for (const name of updated) spare[name] = new Float32Array(state[name]!.length);
  return ok({
    form,
    step: (feeds) => takeStep(executor, { program, views: lowered?.views ?? [], results, state, spare, feeds }),
    read: async () => Object.fromEntries(names.map((name) => [name, unpack(name, state[name]!)])),
    close: () => executor.close(),
  });
}

interface StepParts extends StepInputs {
  readonly state: Record<string, Float32Array>;
  /** Memory for the next state. */
  readonly spare: Record<string, Float32Array>;
  /** Outputs that are the next state of a vector, or a part of it. */
  readonly results: LoweredProgram["results"];
}

async function takeStep(executor: Executor, { results, spare, ...parts }: StepParts): Promise<StepResult> {
  const { state } = parts;
  const into = Object.fromEntries(results.map((result) => [result.name, seen(result, spare)]));
  const answers = await executor.run(stepInputs(executor, parts), into);
  for (const [name, { data }] of Object.entries(into)) {
    const answer = float32(answers[name], name);
    if (answer !== data) (data as Float32Array).set(answer); // not every executor writes into memory that it is given
  }
  for (const name of Object.keys(spare)) [state[name], spare[name]] = [spare[name]!, state[name]!];
  return { loss: float32(answers["loss"], "loss")[0]!, finite: tookFinite(answers), feeds: parts.feeds };
}

/** What an update says of its gradient; one without loss scaling says nothing. */
export const tookFinite = ({ finite }: Values): boolean => finite === undefined || finite.data[0] === 1;

function float32(value: Shaped | undefined, name: string): Float32Array {
  if (value?.data instanceof Float32Array) return value.data;
  throw new Error(`the training step gave no ${name}`);
}

/** What is wrong with a state for a program: a vector that is missing or of another length. */
export function missingVector(
  program: Pick<Program, "vectors" | "slots" | "buffers">,
  initial: TrainingState,
): Problem | undefined {
  const lengths = [
    ...program.vectors.map((name) => [name, lengthOfSlots(program.slots)] as const),
    ...(program.buffers.length > 0 ? [["buffers", lengthOfSlots(program.buffers)] as const] : []),
  ];
  for (const [name, length] of lengths) {
    const got = initial[name]?.length;
    if (got === length) continue;
    return {
      kind: "state does not fit",
      where: `state vector ${name}`,
      got: got === undefined ? "nothing" : `${got} values`,
      expected: `${length} values`,
      next: "start the run anew: the checkpoint belongs to another network",
    };
  }
  return undefined;
}
