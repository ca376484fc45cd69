import { fail, ok, type Result } from "../base/index.ts";
import { type Loader, openLoader, type SliceCache, type SliceTable } from "../dataset/index.ts";
import { labelCount } from "../labels/index.ts";
import type { Detector } from "../models/index.ts";
import { interrupted } from "./interruption.ts";

/** Slices of a call: enough to keep two cores busy, few enough to stay in some 10 MB. */
export const scoredAtOnce = 32;

const neighbourCounts = [1, 3, 5] as const;

/** What is scored by what. */
export interface ScoreOptions {
  readonly detector: Pick<Detector, "info" | "score">;
  readonly cache: SliceCache;
  readonly table: SliceTable;
  /** Rows of the table. */
  readonly rows: Int32Array;
  readonly signal?: AbortSignal;
  /** Called with the number of slices just scored. */
  readonly advance?: (slices: number) => void;
}

/**
 * Probabilities of cached slices, [rows, 6] in the order of the rows, by the detector itself and from the same numbers
 * that it gets for new studies. Batch by batch, the next one prepared meanwhile; memory does not grow with the rows.
 * Problems: "preprocessing differs" (the cache is of another resolution), "no number" (a broken detector),
 * "interrupted".
 */
export async function scoreRows(options: ScoreOptions): Promise<Result<Float64Array>> {
  const { cache, table, detector } = options;
  const wanted = JSON.stringify(sorted(detector.info.preprocessing));
  const got = JSON.stringify(sorted(cache.preprocessing));
  if (wanted !== got) {
    const next = "open the data with the preprocessing of the detector";
    return fail({ kind: "preprocessing differs", where: cache.dir, got, expected: wanted, next });
  }
  const neighbours = neighbourCounts.find((count) => count === detector.info.neighbours);
  if (neighbours === undefined) {
    const next = "name a model.onnx that `ichor train` of this version wrote";
    return fail({
      kind: "neighbours",
      where: "detector",
      got: `${detector.info.neighbours}`,
      expected: "1, 3 or 5",
      next,
    });
  }
  const loader = openLoader({ cache, table, neighbours, augment: "none", seed: 0 });
  try {
    return await scoreThrough(loader, options);
  } finally {
    await loader.close();
  }
}

/** `scoreRows` through a loader that is open already and changes nothing. */
export async function scoreThrough(
  loader: Loader,
  { detector, rows, signal, advance }: Omit<ScoreOptions, "cache" | "table">,
): Promise<Result<Float64Array>> {
  const probabilities = new Float64Array(rows.length * labelCount);
  const ask = (from: number) => {
    if (from >= rows.length) return undefined;
    const batch = loader.batch({ rows: rows.slice(from, from + scoredAtOnce), epoch: 0, step: from / scoredAtOnce });
    batch.catch(() => {}); // its failure is met where it is awaited; one that never is must not end the process
    return batch;
  };
  let next = ask(0);
  for (let from = 0; from < rows.length; from += scoredAtOnce) {
    const batch = await next;
    if (batch === undefined) break;
    next = ask(from + scoredAtOnce);
    const slices = Math.min(scoredAtOnce, rows.length - from);
    const { sliceLogits } = await detector.score(batch.hu, slices);
    loader.reuse(batch);
    for (let at = 0; at < slices * labelCount; at++) {
      const probability = sigmoid(sliceLogits[at]!);
      if (Number.isNaN(probability)) return fail(noNumber(rows[from + Math.floor(at / labelCount)]!));
      probabilities[from * labelCount + at] = probability;
    }
    advance?.(slices);
    if (signal?.aborted) return fail(interrupted("scoring slices"));
  }
  return ok(probabilities);
}

/** 1/(1 + e⁻ˣ), in the form that does not overflow on either side. */
function sigmoid(logit: number): number {
  if (logit >= 0) return 1 / (1 + Math.exp(-logit));
  const power = Math.exp(logit);
  return power / (1 + power);
}

function noNumber(row: number) {
  return {
    kind: "no number",
    where: `row ${row} of the index`,
    got: "NaN as a logit",
    expected: "a number",
    next: "train again with a lower learning rate; a detector that gives no numbers is of no use",
  };
}

function sorted(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
}
