// What every training session keeps to, whatever takes its steps.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import {
  gradientProgram,
  initialVectors,
  optimiserScalars,
  trainingProgram,
  updateProgram,
} from "../../src/autodiff/index.ts";
import { must, type Result, type Shaped } from "../../src/base/index.ts";
import { lossWeights } from "../../src/labels/index.ts";
import { initialise, models } from "../../src/models/index.ts";
import type { Program } from "../../src/onnx/index.ts";
import {
  openExecutor,
  type SharedPrograms,
  type TrainingSession,
  type TrainingState,
  type Values,
} from "../../src/runtime/index.ts";
import { distance, floats, numbers } from "../graphs.ts";

/** A way to take training steps. */
export interface Way {
  readonly open: (initial: TrainingState) => Promise<Result<TrainingSession>>;
  /** Pieces that a batch is taken in: batch normalisation sees one at a time. */
  readonly pieces?: number;
  /** Whether the steps are taken in threads, which must be gone after it is closed. */
  readonly inThreads: boolean;
  readonly skip: string | false;
}

// Large enough that batch normalisation of the last stage has more than a few places: on fewer, roundings grow at once.
const [batch, size, width, steps] = [4, 32, 4, 3];
const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const build = (images: number) => models.cnn.build({ size, neighbours: 1, width }, images);
const network = build(batch);

/** The training that every session takes: the whole step, its halves for so many pieces, and the state it starts from. */
export const program: Program = trainingProgram(network, { optimiser, lossWeights });
export const initial = initialVectors(program, network, initialise(network, 3));
export const halves = (pieces: number): SharedPrograms => ({
  gradient: gradientProgram(build(batch / pieces), { lossWeights }),
  update: updateProgram(initial["parameters"]!.length, { optimiser }),
});

/** What a step is fed besides state, made anew: threads take it over. */
const feeds = (step: number): Record<string, Float32Array> => ({
  hu: numbers(batch * size ** 2, 5 + step).map((x) => 30 + 70 * x),
  labels: numbers(batch * 6, 6).map((x) => (x > 0.4 ? 1 : 0)),
  ...optimiserScalars(optimiser, { step, rate: 3e-3, decay: 0.01 }),
});

/** Some steps carry the roundings of each into the next. */
const tolerance = 1e-3;

/** The suite, for one way to take steps. */
export function trainingSessionContract(name: string, { open, pieces = 1, inThreads, skip }: Way) {
  const opened = async (state: TrainingState = initial) => must(await open(state));
  const take = async (session: TrainingSession, first: number, last: number) => {
    const losses: number[] = [];
    for (let step = first; step <= last; step++) losses.push((await session.step(feeds(step))).loss);
    return losses;
  };

  describe(`a training session: ${name}`, { skip }, () => {
    let taken: readonly number[] = []; // the losses of the first session, which all others must have
    test("has the losses and the state of steps taken by hand, and leaves what it was given alone", async () => {
      const before = structuredClone(initial);
      const session = await opened();
      assert.deepEqual(await session.read(), initial, "what goes in comes out");
      const losses = await take(session, 1, steps);
      taken = losses;
      const state = await session.read();
      await session.close();
      assert.deepEqual(initial, before);
      const wanted = await byHand(pieces);
      assert.ok(distance(losses, wanted.losses) < tolerance, `${losses} against ${wanted.losses}`);
      assert.deepEqual(Object.keys(state).toSorted(), Object.keys(wanted.state).toSorted());
      for (const [vector, values] of Object.entries(wanted.state)) {
        assert.ok(distance(state[vector]!, values) < tolerance, `${vector}: ${distance(state[vector]!, values)}`);
      }
    });

    test("goes on from a state that was read, to the same bytes; what was read stays as it was", async () => {
      const whole = await opened();
      const losses = await take(whole, 1, 2);
      assert.deepEqual(losses, taken.slice(0, 2), "the same start, the same bytes");
      const read = await whole.read();
      const kept = structuredClone(read);
      losses.push(...(await take(whole, 3, steps)));
      assert.deepEqual(read, kept, "a copy");
      const again = await opened(read);
      assert.deepEqual(await take(again, 3, steps), losses.slice(2));
      assert.deepEqual(await again.read(), await whole.read());
      await Promise.all([whole.close(), again.close()]);
    });

    test("refuses a state that does not fit, by the name of the vector", async () => {
      const { moment1, ...without } = initial;
      for (const state of [without, { ...initial, moment1: moment1!.slice(1) }]) {
        const refused = await open(state);
        assert.equal(refused.kind, "problem");
        if (refused.kind !== "problem") continue;
        const { kind, where } = refused.problem;
        assert.deepEqual([kind, where], ["state does not fit", "state vector moment1"]);
      }
    });

    test("a step that fails rejects, moves nothing, and the next one is taken; none after it is closed", async () => {
      const session = await opened();
      await assert.rejects(session.step({ ...feeds(1), hu: new Float32Array(3) }));
      const { hu, ...without } = feeds(1);
      assert.ok(hu);
      await assert.rejects(session.step(without));
      assert.deepEqual(await session.read(), initial);
      assert.deepEqual(await take(session, 1, 2), taken.slice(0, 2), "the same start, the same bytes");
      // Closed once and for all: no step after it, and closing again is nothing.
      await session.close();
      await assert.rejects(session.step(feeds(1)));
      await session.close();
    });

    test("leaves no thread behind", { skip: inThreads ? noTasks : "it has no thread" }, async () => {
      const openAndClose = async () => {
        const session = await opened();
        await take(session, 1, 1);
        await session.close();
      };
      await openAndClose(); // what the first one starts for all
      const before = tasks();
      for (let time = 0; time < 3; time++) await openAndClose();
      assert.ok(tasks() <= before, `${tasks()} threads after ${before}`);
    });
  });
}

const noTasks = process.platform === "linux" ? false : "threads are counted in /proc";
const tasks = () => readdirSync("/proc/self/task").length;

/** The same steps by the halves of a step on the portable form: gradients of the pieces, their mean, the update. */
async function byHand(pieces: number) {
  const { gradient, update } = halves(pieces);
  const [gradients, updates] = [
    must(await openExecutor(gradient.model, { provider: "cpu", threads: 1 })),
    must(await openExecutor(update.model, { provider: "cpu", threads: 1 })),
  ];
  const flat = (data: Float32Array): Shaped => ({ data, shape: [data.length] });
  const state: Record<string, Float32Array> = { ...initial };
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const given = feeds(step);
    const answers: Values[] = [];
    for (let piece = 0; piece < pieces; piece++) {
      const part = (name: string) => {
        const length = given[name]!.length / pieces;
        return given[name]!.slice(piece * length, (piece + 1) * length);
      };
      const fed = Object.fromEntries(gradient.feeds.map(({ name, shape }) => [name, { data: part(name), shape }]));
      const held = { parameters: flat(state["parameters"]!), buffers: flat(state["buffers"]!) };
      answers.push(await gradients.run({ ...fed, ...held }));
    }
    const mean = (name: string) => {
      const [first, ...others] = answers.map((answer) => floats(answer[name]));
      return first!.map((value, at) => others.reduce((sum, other) => sum + other[at]!, value) / pieces);
    };
    losses.push(mean("loss")[0]!);
    const vectors = Object.fromEntries(update.vectors.map((vector) => [vector, flat(state[vector]!)]));
    const scalars = update.feeds
      .filter(({ name }) => name !== "gradient")
      .map(({ name }) => [name, flat(given[name]!)]);
    const next = await updates.run({ ...vectors, ...Object.fromEntries(scalars), gradient: flat(mean("gradient")) });
    state["buffers"] = mean("buffers_next");
    for (const vector of update.updated) state[vector] = floats(next[`${vector}_next`]);
  }
  await Promise.all([gradients.close(), updates.close()]);
  return { losses, state };
}
