import { availableParallelism } from "node:os";
import { type BatchPlan, type BatchTask, batchPlanner, type LoaderOptions, openLoader } from "../dataset/index.ts";
import type { Numbered } from "../runtime/index.ts";

type Feeds = Readonly<Record<string, Float32Array>>;

/** A batch on its way to a step. */
export interface ComingBatch {
  /** What is brought to the step. */
  readonly feeds: Promise<Feeds>;
  /** What is made where the step is taken. */
  readonly made: Numbered<BatchTask> | undefined;
}

/** Where the batches of a training come from. */
export interface BatchSource {
  /** Asks for a batch, at best before the step on the one asked for last. Its failure is met where it is used. */
  ask(plan: BatchPlan): ComingBatch;
  /** Takes back what a step was fed. */
  reuse(feeds: Feeds): void;
  close(): Promise<void>;
}

/** What takes a training's steps, on a machine of so many cores. */
export interface Steppers {
  readonly provider?: string | undefined;
  readonly threads: number;
  readonly cores?: number;
}

/**
 * Where a step takes both of two cores, a thread beside it holds it up by more than its own work, and batches are better
 * made between two steps. With more cores, all of them would wait for the one that makes a batch.
 */
const mostTaken = 2;

/**
 * Opens the source that holds up steps least; its batches are the same. They are made between two steps by the thread that
 * takes them where no core is free, and there are few; otherwise a loader prepares the next one beside the step.
 */
export function openBatchSource(
  options: LoaderOptions,
  { provider = "cpu", threads, cores = availableParallelism() }: Steppers,
): BatchSource {
  const isTaken = provider === "cpu" && threads >= cores;
  return isTaken && cores <= mostTaken ? madeBetweenSteps(options) : loadedBeside(options);
}

function madeBetweenSteps(options: LoaderOptions): BatchSource {
  const planned = batchPlanner(options);
  let asked = 0;
  return {
    ask(plan) {
      const { task, labels } = planned(plan);
      return { feeds: Promise.resolve({ labels }), made: { id: asked++, task } };
    },
    reuse() {},
    async close() {},
  };
}

function loadedBeside(options: LoaderOptions): BatchSource {
  const loader = openLoader(options);
  return {
    ask(plan) {
      const feeds = loader.batch(plan).then(({ hu, labels }) => ({ hu, labels }));
      feeds.catch(() => {}); // met where it is awaited; one that never is must not end the process
      return { feeds, made: undefined };
    },
    reuse: (feeds) => loader.reuse(feeds),
    close: () => loader.close(),
  };
}
