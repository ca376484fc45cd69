// The loader's thread.
import { handOver } from "../machine/index.ts";
import { openBatchMaker } from "./batch-maker.ts";
import type { BatchTask } from "./batch-task.ts";

/** A batch, and an array to write it into; without it a new one is made. */
export interface LoaderTask {
  readonly batch: BatchTask;
  readonly into: Float32Array | undefined;
}

const maker = openBatchMaker("in given memory");

export default async function makeBatch({ batch, into }: LoaderTask): Promise<Float32Array> {
  const hu = await maker.make(batch, into ?? new Float32Array(batch.channels.length * batch.shards.size ** 2));
  return handOver(hu, [hu.buffer as ArrayBuffer]);
}
