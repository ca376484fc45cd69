import { labelCount } from "../labels/index.ts";

/** Slices as they come out of a run: parallel columns, a row a slice. */
export interface ScoredSlices {
  /** [slices, 6], in [0, 1]. */
  readonly probabilities: ArrayLike<number>;
  /** [slices, 6]: positive from 0.5 on, as label tables may hold shares of votes; NaN where there is no label. */
  readonly labels: ArrayLike<number>;
  readonly patients: readonly string[];
  readonly studies: readonly string[];
  /** [slices]: share of the pixels between 0 and 80 HU, the baseline that knows nothing of blood. */
  readonly brainArea: ArrayLike<number>;
}

/** What figures are made of at one level, slices or studies: a row a case, all of them with all six labels. */
export interface Cases {
  readonly count: number;
  /** [cases, 6] */
  readonly probabilities: Float64Array;
  /** [cases, 6], 0 or 1. */
  readonly labels: Uint8Array;
  readonly patients: readonly string[];
  /** [cases] */
  readonly brainArea: Float64Array;
}

/** How frequent each label is among slices and among studies; counted where the detector learned. */
export interface Prevalence {
  /** [6] */
  readonly slice: readonly number[];
  /** [6]; `undefined` where the studies of the train fold are not at hand. */
  readonly study: readonly number[] | undefined;
  readonly slices: number;
  readonly studies: number;
}

/** The slices that have all six labels. */
export function sliceCases(slices: ScoredSlices): Cases {
  checkLengths(slices);
  const rows = labelledRows(slices.labels);
  const six = (values: ArrayLike<number>) => rows.flatMap((row) => rowOfSix(values, row));
  return {
    count: rows.length,
    probabilities: Float64Array.from(six(slices.probabilities)),
    labels: Uint8Array.from(six(slices.labels), (label) => (label >= 0.5 ? 1 : 0)),
    patients: rows.map((row) => slices.patients[row]!),
    brainArea: Float64Array.from(rows, (row) => slices.brainArea[row]!),
  };
}

/** The studies of the labelled slices: scores, labels and brain area are each the largest of the study's slices'. */
export function studyCases(slices: ScoredSlices): Cases {
  checkLengths(slices);
  const studies = new Map<string, number[]>();
  for (const row of labelledRows(slices.labels)) {
    // An anonymiser may have given two patients one study UID.
    const key = `${slices.patients[row]}\n${slices.studies[row]}`;
    const rows = studies.get(key);
    if (rows === undefined) studies.set(key, [row]);
    else rows.push(row);
  }
  const groups = [...studies.values()];
  const largest = (values: ArrayLike<number>, rows: readonly number[], label: number) =>
    rows.reduce((most, row) => Math.max(most, values[row * labelCount + label]!), 0);
  const six = (values: ArrayLike<number>) =>
    groups.flatMap((rows) => Array.from({ length: labelCount }, (_, label) => largest(values, rows, label)));
  return {
    count: groups.length,
    probabilities: Float64Array.from(six(slices.probabilities)),
    labels: Uint8Array.from(six(slices.labels), (label) => (label >= 0.5 ? 1 : 0)),
    patients: groups.map(([row]) => slices.patients[row!]!),
    brainArea: Float64Array.from(groups, (rows) =>
      rows.reduce((most, row) => Math.max(most, slices.brainArea[row]!), 0),
    ),
  };
}

/** The share of positive slices and studies of each label among those with all six labels; `labels`: [slices, 6]. */
export function prevalenceOf(slices: Pick<ScoredSlices, "labels" | "patients" | "studies">): Prevalence {
  const unscored = {
    ...slices,
    probabilities: new Float32Array(slices.labels.length),
    brainArea: new Float32Array(slices.patients.length),
  };
  const [bySlice, byStudy] = [sliceCases(unscored), studyCases(unscored)];
  const shares = ({ count, labels }: Cases) =>
    Array.from({ length: labelCount }, (_, label) =>
      count === 0 ? 0 : column(labels, label).reduce((sum, one) => sum + one, 0) / count,
    );
  return { slice: shares(bySlice), study: shares(byStudy), slices: bySlice.count, studies: byStudy.count };
}

/** One label's column of rows of six. */
export function column(values: ArrayLike<number>, label: number): Float64Array {
  return Float64Array.from({ length: values.length / labelCount }, (_, row) => values[row * labelCount + label]!);
}

/** The rows that have all six labels. */
function labelledRows(labels: ArrayLike<number>): number[] {
  const rows: number[] = [];
  for (let row = 0; row < labels.length / labelCount; row++) {
    if (!rowOfSix(labels, row).some(Number.isNaN)) rows.push(row);
  }
  return rows;
}

function rowOfSix(values: ArrayLike<number>, row: number): number[] {
  return Array.from({ length: labelCount }, (_, label) => values[row * labelCount + label]!);
}

function checkLengths({ probabilities, labels, patients, studies, brainArea }: ScoredSlices): void {
  const rows = patients.length;
  const lengths = [probabilities.length / labelCount, labels.length / labelCount, studies.length, brainArea.length];
  if (lengths.some((length) => length !== rows)) throw new Error(`columns of ${lengths} rows for ${rows} patients`);
}
