import { fail, ok, type ProgressTask, type Result } from "../base/index.ts";
import type { Loader, SliceTable } from "../dataset/index.ts";
import { anyIndex, labelCount, labels } from "../labels/index.ts";
import { rocAuc, weightedLogLoss, youdenThreshold } from "../metrics/index.ts";
import { type DetectorInfo, detectorFromBytes } from "../models/index.ts";
import { truthOf } from "./folds.ts";
import { interrupted } from "./interruption.ts";
import { scoreThrough } from "./score-rows.ts";

/** How a detector does on the validation fold. */
export interface Validation {
  /** The competition's metric. */
  readonly loss: number;
  /** Absent where the fold has one class only. */
  readonly aucAny: number | undefined;
  /** Per label the threshold of the largest Youden index; 0.5 where the fold has one class only. */
  readonly operatingPoints: DetectorInfo["operatingPoints"];
}

/** What validation needs. */
export interface ValidationOptions {
  readonly table: SliceTable;
  /** Rows of the validation fold. */
  readonly rows: Int32Array;
  /** A loader that changes nothing. */
  readonly loader: Loader;
  readonly threads: number;
  /** As in `Work`. */
  readonly provider?: string | undefined;
  readonly signal: AbortSignal;
  readonly task: ProgressTask;
  /** Words beside the bar. */
  readonly note: string;
}

/**
 * Scores the validation fold with a detector file's bytes, on the very path of evaluation and detection; `undefined`
 * where the fold is empty. Problems: "diverged" (no numbers any more), "interrupted", as `detectorFromBytes`.
 */
export async function validate(bytes: Uint8Array, o: ValidationOptions): Promise<Result<Validation | undefined>> {
  if (o.rows.length === 0) return ok(undefined);
  if (o.signal.aborted) return fail(interrupted("validating"));
  const detector = await detectorFromBytes(bytes, { threads: o.threads, provider: o.provider });
  if (detector.kind === "problem") return detector;
  try {
    const scored = await scoreThrough(o.loader, {
      detector: detector.value,
      rows: o.rows,
      signal: o.signal,
      advance: () => o.task.advance(1, o.note),
    });
    if (scored.kind === "problem") return scored;
    return ok(judge(scored.value, truthOf(o.table, o.rows)));
  } finally {
    await detector.value.close();
  }
}

/** Figures of probabilities [n, 6] against the truth [n, 6]. */
function judge(probabilities: Float64Array, truth: Uint8Array): Validation {
  const loss = weightedLogLoss(probabilities, truth);
  if (loss === undefined) throw new Error("a validation fold without slices");
  const column = (values: ArrayLike<number>, label: number) =>
    Float64Array.from({ length: truth.length / labelCount }, (_, row) => values[row * labelCount + label]!);
  const points = labels.map((label, at) => {
    const point = youdenThreshold(column(probabilities, at), column(truth, at));
    return [label, point ?? 0.5] as const;
  });
  return {
    loss,
    aucAny: rocAuc(column(probabilities, anyIndex), column(truth, anyIndex)),
    operatingPoints: Object.fromEntries(points) as Validation["operatingPoints"],
  };
}
