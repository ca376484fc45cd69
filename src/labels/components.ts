import { labelCount } from "./labels.ts";

/** Patients that must stand on one side of a split, since they share a slice pixel for pixel; mostly a single one. */
export interface Component {
  /** Sorted by code unit. */
  readonly patients: readonly string[];
  /** [6]: how many of the patients have a positive slice of each label. */
  readonly positives: readonly number[];
  /** How many of the patients have a slice with a label at all. */
  readonly labelled: number;
}

/**
 * The connected components of patients under "owns a slice with the same pixels", sorted by their first patient.
 * `patients`: patient of each row; `labels`: [rows, 6], 0, 1 or NaN where there is none; `identical`: groups of rows
 * with equal pixels, as `identicalRows` finds them.
 */
export function components({
  patients,
  labels,
  identical,
}: {
  readonly patients: readonly string[];
  readonly labels: ArrayLike<number>;
  readonly identical: readonly (readonly number[])[];
}): readonly Component[] {
  if (labels.length !== patients.length * labelCount) {
    throw new Error(`${labels.length} labels for ${patients.length} rows`);
  }
  const sets = disjointSets(new Set(patients));
  for (const [first, ...others] of identical) {
    for (const other of others) sets.join(patients[first!]!, patients[other]!);
  }
  const records = patientRecords(patients, labels);
  const members = new Map<string, string[]>();
  for (const patient of [...records.keys()].sort()) {
    const root = sets.root(patient);
    const group = members.get(root);
    if (group === undefined) members.set(root, [patient]);
    else group.push(patient);
  }
  return [...members.values()].map((group) => {
    const held = group.map((patient) => records.get(patient)!);
    return {
      patients: group,
      positives: Array.from({ length: labelCount }, (_, label) => held.filter((one) => one.positive[label]).length),
      labelled: held.filter((one) => one.labelled).length,
    };
  });
}

/**
 * Groups of rows that have the same pixel hash, each with two rows or more. Rows whose hash is empty or `undefined`
 * (pixels that could not be read) belong to none.
 */
export function identicalRows(pixelHashes: readonly (string | undefined)[]): readonly (readonly number[])[] {
  const firstRow = new Map<string, number>();
  const groups = new Map<string, number[]>();
  for (const [row, hash] of pixelHashes.entries()) {
    if (hash === undefined || hash === "") continue;
    const first = firstRow.get(hash);
    if (first === undefined) {
      firstRow.set(hash, row);
      continue;
    }
    const group = groups.get(hash);
    if (group === undefined) groups.set(hash, [first, row]);
    else group.push(row);
  }
  return [...groups.values()];
}

interface PatientRecord {
  readonly positive: boolean[];
  labelled: boolean;
}

function patientRecords(patients: readonly string[], labels: ArrayLike<number>): Map<string, PatientRecord> {
  const records = new Map<string, PatientRecord>();
  for (const [row, patient] of patients.entries()) {
    let record = records.get(patient);
    if (record === undefined) {
      record = { positive: new Array<boolean>(labelCount).fill(false), labelled: false };
      records.set(patient, record);
    }
    for (let label = 0; label < labelCount; label++) {
      const value = labels[row * labelCount + label]!;
      if (Number.isNaN(value)) continue;
      record.labelled = true;
      if (value >= 0.5) record.positive[label] = true;
    }
  }
  return records;
}

/** Union-find with path halving: near-linear in the number of joins (Tarjan & van Leeuwen 1984). */
function disjointSets(names: Iterable<string>) {
  const parent = new Map<string, string>();
  for (const name of names) parent.set(name, name);
  const root = (name: string): string => {
    let at = name;
    for (;;) {
      const above = parent.get(at)!;
      if (above === at) return at;
      const next = parent.get(above)!;
      parent.set(at, next);
      at = next;
    }
  };
  const join = (one: string, other: string): void => {
    parent.set(root(one), root(other));
  };
  return { root, join };
}
