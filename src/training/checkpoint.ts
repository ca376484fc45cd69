import { readFileSync } from "node:fs";
import { z } from "zod";
import type { trainingProgram } from "../autodiff/index.ts";
import { fail, ok, type Result, type Shaped, shaped, sizeOf } from "../base/index.ts";
import { fileResult, writeFileAtomic } from "../machine/index.ts";
import type { NetworkState } from "../models/index.ts";
import type { TrainingState } from "../runtime/index.ts";
import { decodeSafetensors, encodeSafetensors, type Tensors } from "./safetensors.ts";

type Program = ReturnType<typeof trainingProgram>;
type Slots = Program["slots"];

const positionSchema = z.object({
  version: z.literal(1),
  /** SHA-256 over configuration, data, split and rows: a checkpoint goes on with nothing else. */
  fingerprint: z.string(),
  /** The epoch that is being trained, from 1; one past the last where all are done. */
  epoch: z.int(),
  /** Steps taken in it. */
  step: z.int(),
  /** Steps taken since the start. */
  steps: z.int(),
  /** Sum of the losses of this epoch's steps. */
  lossSum: z.number(),
  /** Spent in training so far, over all starts. */
  seconds: z.number(),
  /** Length of `metrics.jsonl` that belongs to this position. */
  metricsBytes: z.int(),
  /** Of the loss, where it is scaled: the scale, steps since it last changed, steps that were skipped. */
  scaling: z.object({ scale: z.number(), since: z.int(), skipped: z.int() }).optional(),
  best: z
    .object({
      epoch: z.int(),
      validationLoss: z.number().optional(),
      validationAucAny: z.number().optional(),
    })
    .optional(),
});

/**
 * Where a training stands. Together with the state vectors it is everything: orders, augmentation and dropout are drawn
 * from the seed and the position, so no generator has to be saved.
 */
export type Position = z.infer<typeof positionSchema>;

/** A training at one moment. */
export interface Checkpoint {
  readonly position: Position;
  /** Vectors that steps change, by name, and the buffers. */
  readonly state: TrainingState;
  /** Parameters and buffers of the best epoch so far. */
  readonly best: NetworkState | undefined;
}

/**
 * Writes `last.safetensors` and beside it `last.json` for people. The one file holds state, position and the best
 * parameters so far, so that its one rename moves the training on as a whole.
 */
export function writeCheckpoint(path: string, checkpoint: Checkpoint, program: Program): Result<void> {
  const { position, state, best } = checkpoint;
  const arrays: Record<string, Shaped<Float32Array>> = {};
  for (const [vector, slots] of vectorsOf(program)) cut(arrays, { vector, slots, data: state[vector] });
  if (best !== undefined) {
    cut(arrays, { vector: "best.parameters", slots: program.slots, data: best.parameters });
    cut(arrays, { vector: "best.buffers", slots: program.buffers, data: best.buffers });
  }
  return writeTensors(path, arrays, position);
}

/** Writes `best.safetensors`: parameters and buffers of the best epoch, for other programs. Nothing here reads it. */
export function writeBest(
  path: string,
  { best, position }: { readonly best: NetworkState; readonly position: Position },
  program: Program,
): Result<void> {
  const arrays: Record<string, Shaped<Float32Array>> = {};
  cut(arrays, { vector: "parameters", slots: program.slots, data: best.parameters });
  cut(arrays, { vector: "buffers", slots: program.buffers, data: best.buffers });
  return writeTensors(path, arrays, position);
}

/** Reads `last.safetensors`. Problems: not safetensors, not a checkpoint of ours, arrays of another network. */
export function readCheckpoint(path: string, program: Program): Result<Checkpoint> {
  const bytes = fileResult(path, () => readFileSync(path));
  if (bytes.kind === "problem") return bytes;
  const tensors = decodeSafetensors(bytes.value, path);
  if (tensors.kind === "problem") return tensors;
  const position = positionSchema.safeParse(parseJson(tensors.value.metadata["ichor"] ?? ""));
  if (!position.success) return fail(notOurs(path, position.error.issues[0]?.message ?? "no position"));
  const { arrays } = tensors.value;
  const state: Record<string, Float32Array> = {};
  for (const [vector, slots] of vectorsOf(program)) {
    const whole = join(arrays, vector, slots);
    if (typeof whole === "string") return fail(notOurs(path, whole));
    state[vector] = whole;
  }
  if (position.data.best === undefined) return ok({ position: position.data, state, best: undefined });
  const parameters = join(arrays, "best.parameters", program.slots);
  const buffers = join(arrays, "best.buffers", program.buffers);
  if (typeof parameters === "string") return fail(notOurs(path, parameters));
  if (typeof buffers === "string") return fail(notOurs(path, buffers));
  return ok({ position: position.data, state, best: { parameters, buffers } });
}

function vectorsOf(program: Program): readonly (readonly [string, Slots])[] {
  return [...program.updated.map((name) => [name, program.slots] as const), ["buffers", program.buffers]];
}

/** Names each parameter of a vector by itself ("moment1/head.weight"), so that anything that reads the format sees it. */
function cut(
  arrays: Record<string, Shaped<Float32Array>>,
  { vector, slots, data }: { readonly vector: string; readonly slots: Slots; readonly data: Float32Array | undefined },
): void {
  for (const { name, shape, offset } of slots) {
    if (data === undefined) throw new Error(`the state has no ${vector}`);
    arrays[`${vector}/${name}`] = shaped(data.subarray(offset, offset + sizeOf(shape)), shape);
  }
}

/** The vector put together again, or what is wrong with its pieces. */
function join(arrays: Tensors["arrays"], vector: string, slots: Slots): Float32Array | string {
  const whole = new Float32Array(slots.reduce((length, { shape }) => length + sizeOf(shape), 0));
  for (const { name, shape, offset } of slots) {
    const array = arrays[`${vector}/${name}`];
    if (array === undefined) return `no array ${vector}/${name}`;
    if (array.shape.join() !== shape.join()) return `${vector}/${name} [${array.shape}] instead of [${shape}]`;
    whole.set(array.data, offset);
  }
  return whole;
}

function writeTensors(path: string, arrays: Tensors["arrays"], position: Position): Result<void> {
  const metadata = { ichor: JSON.stringify(position) };
  const written = writeFileAtomic(path, encodeSafetensors({ arrays, metadata }));
  if (written.kind === "problem") return written;
  return writeFileAtomic(path.replace(/\.safetensors$/, ".json"), `${JSON.stringify(position, undefined, 2)}\n`);
}

function notOurs(path: string, got: string) {
  return {
    kind: "not a checkpoint",
    where: path,
    got,
    expected: "the checkpoint of this run, as training wrote it",
    next: "restore the file, or train into a new run folder",
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then says what it wanted
  }
}
