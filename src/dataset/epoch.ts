import { permutation, type Random, random } from "../base/index.ts";
import { anyIndex, labelCount } from "../labels/index.ts";

/** How the rows of one epoch are dealt into batches. */
export interface EpochOptions {
  readonly seed: number;
  readonly epoch: number;
  readonly batchSize: number;
  /** Share of the draws that should be positive for `any`, 0 … 1; at least the share that they have by themselves. */
  readonly positiveShare?: number;
}

/** Rows of one batch, and where it stands in training: `epoch` decides its augmentation. */
export interface BatchPlan {
  /** [N]: rows of the table. */
  readonly rows: Int32Array;
  readonly epoch: number;
  readonly step: number;
}

/**
 * The batches of an epoch, each [batchSize] rows in an order that seed and epoch determine. `rows`: the rows to learn
 * from; `labels`: [table rows, 6]. Without `positiveShare` each row comes once at most; with it, positive rows come more
 * often and negative ones less, the number of draws staying that of the rows. What does not fill a batch is left out;
 * fewer rows than one batch make one smaller batch.
 */
export function planEpoch(rows: Int32Array, labels: Float32Array, options: EpochOptions): Int32Array[] {
  const { seed, epoch, batchSize, positiveShare } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new Error(`a batch of ${batchSize} slices`);
  if (rows.length === 0) return [];
  const source = random(seed, "epoch", epoch);
  const drawn = positiveShare === undefined ? rows : oversample(rows, { labels, positiveShare, source });
  const order = permutation(drawn.length, source);
  const dealt = Int32Array.from(order, (index) => drawn[index]!);
  if (dealt.length < batchSize) return [dealt];
  const batches = Math.floor(dealt.length / batchSize);
  return Array.from({ length: batches }, (_, batch) => dealt.slice(batch * batchSize, (batch + 1) * batchSize));
}

/** As many draws as rows, of which `positiveShare` are positive: whole rounds of each kind, then a part of a round. */
function oversample(
  rows: Int32Array,
  o: { readonly labels: Float32Array; readonly positiveShare: number; readonly source: Random },
): Int32Array {
  const isPositive = (row: number) => o.labels[row * labelCount + anyIndex]! >= 0.5;
  const positive = rows.filter(isPositive);
  const negative = rows.filter((row) => !isPositive(row));
  const wanted = Math.min(rows.length, Math.round(rows.length * o.positiveShare));
  if (positive.length === 0 || negative.length === 0 || wanted <= positive.length) return rows;
  const drawn = new Int32Array(rows.length);
  drawn.set(rounds(positive, wanted, o.source));
  drawn.set(rounds(negative, rows.length - wanted, o.source), wanted);
  return drawn;
}

function rounds(rows: Int32Array, count: number, source: Random): Int32Array {
  const drawn = new Int32Array(count);
  for (let at = 0; at < count; at += rows.length) {
    const order = permutation(rows.length, source);
    for (let index = 0; index < rows.length && at + index < count; index++) drawn[at + index] = rows[order[index]!]!;
  }
  return drawn;
}
