import { createHash } from "node:crypto";
import type { Result } from "../base/index.ts";
import type { SliceCache, SliceTable } from "../dataset/index.ts";
import {
  assignFolds,
  components,
  type Fold,
  folds,
  identicalRows,
  labelCount,
  labels,
  type Split,
} from "../labels/index.ts";
import type { TrainingConfig } from "./config.ts";
import type { FoldCounts } from "./run-folder.ts";

/**
 * Splits the patients who have labels, whole components of patients that share pixels at once. Problems: as
 * `assignFolds` (too few patients, no labels, no positive case).
 */
export function splitPatients(
  { table, cache }: { readonly table: SliceTable; readonly cache: Pick<SliceCache, "failures" | "pixelHashes"> },
  { split }: Pick<TrainingConfig, "split">,
): Result<Split> {
  const labelled = table.labels.slice();
  for (const { row } of cache.failures) labelled.fill(Number.NaN, row * labelCount, (row + 1) * labelCount);
  const all = components({
    patients: table.patients,
    labels: labelled,
    identical: identicalRows(cache.pixelHashes),
  });
  const some = all.filter((component) => component.labelled > 0); // the competition's test patients have no labels
  const { seed, ...fractions } = split;
  return assignFolds(some.length > 0 ? some : all, { seed, fractions });
}

/** What stands in each fold. */
export function countFolds(table: SliceTable, rows: Readonly<Record<Fold, Int32Array>>): Record<Fold, FoldCounts> {
  const count = (fold: Int32Array): FoldCounts => {
    const positives = labels.map((label, at) => {
      let slices = 0;
      for (const row of fold) if (isPositive(table, row, at)) slices++;
      return [label, slices] as const;
    });
    const patients = new Set(Array.from(fold, (row) => table.patients[row]));
    return {
      patients: patients.size,
      slices: fold.length,
      positives: Object.fromEntries(positives) as FoldCounts["positives"],
    };
  };
  return { train: count(rows.train), validation: count(rows.validation), test: count(rows.test) };
}

/** [n, 6] of the rows, 0 or 1; a label of several readers counts as positive from one half. */
export function truthOf(table: Pick<SliceTable, "labels">, rows: Int32Array): Uint8Array {
  const truth = new Uint8Array(rows.length * labelCount);
  rows.forEach((row, at) => {
    for (let label = 0; label < labelCount; label++)
      truth[at * labelCount + label] = isPositive(table, row, label) ? 1 : 0;
  });
  return truth;
}

/** SHA-256 over everything that decides what a training does: what a checkpoint belongs to. */
export function fingerprintOf(o: {
  readonly config: TrainingConfig;
  readonly table: SliceTable;
  readonly cache: Pick<SliceCache, "hash">;
  readonly split: Split;
  readonly rows: Readonly<Record<Fold, Int32Array>>;
}): string {
  const hash = createHash("sha256").update(JSON.stringify([o.config, o.table.hash, o.cache.hash, o.split.hash]));
  for (const fold of folds) hash.update(new Uint8Array(o.rows[fold].slice().buffer));
  return hash.digest("hex");
}

/** What is special about the slices of a run, in words: what is drawn more often, what small data bring about. */
export function notesOn(
  counts: Readonly<Record<Fold, FoldCounts>>,
  { config, batchSize }: { readonly config: TrainingConfig; readonly batchSize: number },
): string[] {
  const notes: string[] = [];
  const { train, validation } = counts;
  const found = train.positives.any / Math.max(1, train.slices);
  if (config.positiveShare !== "as found" && config.positiveShare > found && found > 0) {
    const [drawn, there] = [config.positiveShare, found].map((share) => `${(100 * share).toFixed(1)} %`);
    notes.push(`slices with hemorrhage make up ${drawn} of what is trained on, and ${there} of the training fold`);
  }
  if (batchSize < config.batchSize) {
    notes.push(
      `${train.slices} slices to train on, fewer than a batch of ${config.batchSize}: all of them are one batch`,
    );
  }
  const unseen = labels.filter((label) => train.positives[label] === 0);
  if (unseen.length > 0) notes.push(`no positive slice to learn from: ${unseen.join(", ")}`);
  if (validation.slices === 0) {
    notes.push("the validation fold is empty: the last epoch is taken, operating points are 0.5");
    return notes;
  }
  if (validation.positives.any === 0) {
    notes.push("no positive slice in the validation fold: the epoch of the lowest loss is taken, and it has no AUC");
  }
  const untold = labels.filter((label) => [0, validation.slices].includes(validation.positives[label]));
  if (untold.length > 0) notes.push(`one class only in the validation fold, operating point 0.5: ${untold.join(", ")}`);
  return notes;
}

function isPositive(table: Pick<SliceTable, "labels">, row: number, label: number): boolean {
  return table.labels[row * labelCount + label]! >= 0.5;
}
