import { ok, type Result } from "../../base/index.ts";
import { prepareSlice, readHu, readSliceHeader } from "../../ct/index.ts";
import { openLoader, slicePath, sliceShift } from "../../dataset/index.ts";
import { loadCodecs } from "../../dicom/index.ts";
import { anyIndex, type Label, labelCount, labels } from "../../labels/index.ts";
import type { Detector } from "../../models/index.ts";
import type { EvidenceMap, ExampleSlice } from "../../report/index.ts";
import { type RunData, scoreRows } from "../../training/index.ts";

/** So many slices of each kind are shown at most, each of another patient. */
const wanted = { found: 4, missed: 2, "false alarm": 2 } as const satisfies Record<ExampleSlice["kind"], number>;

/** Rows and columns of a slice as it is shown. */
const shownSize = 256;

/** Where examples come from. */
export interface ExampleSource {
  readonly data: RunData;
  readonly detector: Detector;
  /** Rows to choose from, with all six labels and readable pixels. */
  readonly rows: Int32Array;
  readonly signal: AbortSignal;
}

/** What a row is an example of. */
interface Choice {
  readonly row: number;
  readonly kind: ExampleSlice["kind"];
  /** [6] */
  readonly probabilities: Float64Array;
}

/**
 * Slices that show what a detector finds and where it errs, with its evidence. Problems: those of reading pixels and of
 * `scoreRows`, "interrupted".
 */
export async function exampleSlices(source: ExampleSource): Promise<Result<readonly ExampleSlice[]>> {
  const { data, detector, rows, signal } = source;
  const scored = await scoreRows({ detector, ...data, rows, signal });
  if (scored.kind === "problem") return scored;
  const { table } = data;
  const chosen = chooseExamples({
    rows,
    probabilities: scored.value,
    isPositive: (row) => table.labels[row * labelCount + anyIndex]! >= 0.5,
    patients: table.patients,
    threshold: detector.info.operatingPoints.any,
  });
  if (chosen.length === 0) return ok([]);
  const maps = await evidenceOf(
    source,
    chosen.map(({ row }) => row),
  );
  const examples: ExampleSlice[] = [];
  for (const [at, { row, kind, probabilities }] of chosen.entries()) {
    const path = slicePath(table, row);
    const outcome = readSliceHeader(path, table.frames[row]);
    if (outcome.kind === "slice") await loadCodecs([outcome.header.transferSyntax]);
    const slice = readHu(path, outcome);
    if (slice.kind === "problem") return slice;
    const preprocessing = { ...data.cache.preprocessing, values: "hu", size: shownSize } as const;
    const hu = prepareSlice(slice.value, preprocessing, sliceShift(table, row));
    examples.push({
      kind,
      sliceId: table.sliceIds[row]!,
      hu,
      size: shownSize,
      evidence: maps?.[at],
      probabilities: byLabel(probabilities),
      truth: labels.filter((_, label) => table.labels[row * labelCount + label]! >= 0.5),
    });
  }
  return ok(examples);
}

/**
 * Of each kind the slices that the detector was surest of, one a patient, so that the examples are not one bleed over and
 * over. `probabilities`: [rows, 6].
 */
export function chooseExamples({
  rows,
  probabilities,
  isPositive,
  patients,
  threshold,
}: {
  readonly rows: Int32Array;
  readonly probabilities: Float64Array;
  readonly isPositive: (row: number) => boolean;
  readonly patients: readonly string[];
  readonly threshold: number;
}): readonly Choice[] {
  const judged = Array.from(rows, (row, at) => {
    const own = probabilities.subarray(at * labelCount, (at + 1) * labelCount);
    const called = own[anyIndex]! >= threshold;
    const kind = isPositive(row) ? (called ? "found" : "missed") : called ? "false alarm" : undefined;
    return { row, kind, probabilities: own };
  });
  return (Object.keys(wanted) as ExampleSlice["kind"][]).flatMap((kind) => {
    const sign = kind === "missed" ? 1 : -1; // the surest miss has the lowest probability
    const seen = new Set<string>();
    return judged
      .flatMap((choice) => (choice.kind === kind ? [{ ...choice, kind }] : []))
      .sort((one, other) => sign * (one.probabilities[anyIndex]! - other.probabilities[anyIndex]!))
      .filter(({ row }) => !seen.has(patients[row]!) && seen.add(patients[row]!))
      .slice(0, wanted[kind]);
  });
}

/** The evidence maps of `any`; `undefined` where the network has none. */
async function evidenceOf(
  { data, detector }: ExampleSource,
  rows: readonly number[],
): Promise<readonly EvidenceMap[] | undefined> {
  const { cache, table } = data;
  const { preprocessing } = detector.info;
  const neighbours = ([1, 3, 5] as const).find((count) => count === detector.info.neighbours);
  if (detector.info.evidence === "none" || neighbours === undefined) return undefined;
  const loader = openLoader({ cache, table, neighbours, augment: "none", seed: 0 });
  try {
    const { hu } = await loader.batch({ rows: Int32Array.from(rows), epoch: 0, step: 0 });
    const { evidence } = await detector.score(hu, rows.length);
    if (evidence === undefined) return undefined;
    const [, , height = 0, width = 0] = evidence.shape;
    return rows.map((_, at) => {
      const from = (at * labelCount + anyIndex) * height * width;
      const map = evidence.data.slice(from, from + height * width);
      return { data: map, rows: height, columns: width, inputSize: preprocessing.size };
    });
  } finally {
    await loader.close();
  }
}

/** Six numbers as a record by label. */
function byLabel(values: ArrayLike<number>): Readonly<Record<Label, number>> {
  return Object.fromEntries(labels.map((label, index) => [label, values[index]!])) as Record<Label, number>;
}
