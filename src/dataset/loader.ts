import { openPool } from "../machine/index.ts";
import { batchPlanner, type LoaderOptions } from "./batch-task.ts";
import type { BatchPlan } from "./epoch.ts";
import type { LoaderTask } from "./loader-worker.ts";

/** One batch, as a network takes it. */
export interface Batch {
  /** [N, K, S, S]: HU (or stored values). */
  readonly hu: Float32Array;
  /** [N, 6]; NaN where a slice has no label. */
  readonly labels: Float32Array;
}

/** Prepares batches on a thread of its own. */
export interface Loader {
  /**
   * A batch. Ask for the next one before the step on the current one: it is prepared meanwhile, in the order of asking.
   * Rejects only for what is a fault of the caller (a row that failed) or when shards are taken away under it.
   */
  batch(plan: BatchPlan): Promise<Batch>;
  /** Takes back a batch that is not needed any more: a later one is written over it, which spares the memory's making. */
  reuse(batch: { readonly hu?: Float32Array }): void;
  close(): Promise<void>;
}

/** Batches kept for reuse: the one in preparation and the one in use are two already, and nobody gives back more. */
const mostSpent = 2;

/** Opens a loader; what its batches hold says `batchPlanner`. */
export function openLoader(options: LoaderOptions): Loader {
  const planned = batchPlanner(options);
  const pool = openPool<LoaderTask, Float32Array>(import.meta.url, "./loader-worker", 1);
  const spent: Float32Array<ArrayBuffer>[] = [];
  const spentOf = (length: number) => {
    const at = spent.findIndex((hu) => hu.length === length);
    return at < 0 ? undefined : spent.splice(at, 1)[0];
  };
  return {
    async batch(plan) {
      const { task: batch, labels } = planned(plan);
      const into = spentOf(batch.channels.length * batch.shards.size ** 2);
      const hu = await pool.run({ batch, into }, { transfer: into === undefined ? [] : [into.buffer] });
      return { hu, labels };
    },
    reuse({ hu }) {
      if (hu === undefined || hu.length === 0 || !ownsItsBuffer(hu)) return;
      spent.push(hu);
      if (spent.length > mostSpent) spent.shift();
    },
    close: () => pool.close(),
  };
}

/** Not a view into a larger buffer, which belongs to others too. */
const ownsItsBuffer = (array: Float32Array): array is Float32Array<ArrayBuffer> =>
  array.buffer instanceof ArrayBuffer && array.byteLength === array.buffer.byteLength;
