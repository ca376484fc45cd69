import { createHash } from "node:crypto";
import { z } from "zod";
import { fail, ok, type Result } from "../base/index.ts";
import { type Fold, type FoldFractions, folds, placeComponents } from "./assignment.ts";
import type { Component } from "./components.ts";
import { anyIndex } from "./labels.ts";

/** `split.json`: which patient belongs to which fold. */
export const splitSchema = z.object({
  version: z.literal(1),
  /** The seed that the folds were drawn with. */
  seed: z.int(),
  /** Patient → fold. */
  folds: z.record(z.string(), z.enum(folds)),
  /** SHA-256 of the assignment's canonical form, see `splitHash`. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The assignment of all patients to folds. */
export type Split = z.infer<typeof splitSchema>;

/**
 * Assigns whole components to folds so that positive patients, of rare labels too, spread by the fractions
 * (after Sechidis et al. 2011, On the stratification of multi-label data). The same components, seed and fractions give
 * the same split in whatever order the components come. A fold of fraction 0 stays empty.
 * Problems: fractions that are none, fewer components than folds, no label, no positive case.
 */
export function assignFolds(
  components: readonly Component[],
  { seed, fractions }: { readonly seed: number; readonly fractions: FoldFractions },
): Result<Split> {
  const refused = refusal(components, fractions);
  if (refused !== undefined) return fail({ where: "split by patient", ...refused });
  const sorted = [...components].sort((one, other) => (one.patients[0]! < other.patients[0]! ? -1 : 1));
  const placed = placeComponents(sorted, { seed, fractions });
  const assignment = Object.fromEntries(
    sorted
      .flatMap(({ patients }, index) => patients.map((patient) => [patient, placed[index]!] as const))
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  return ok({ version: 1, seed, folds: assignment, hash: splitHash(assignment) });
}

/**
 * SHA-256 of an assignment in canonical form: lines `"patient"<tab>fold` (the patient as JSON text) sorted by the
 * patient's code units. It names who stands where and not how that was drawn, so the seed has no part in it.
 */
export function splitHash(assignment: Readonly<Record<string, Fold>>): string {
  const hash = createHash("sha256");
  for (const patient of Object.keys(assignment).sort()) {
    hash.update(`${JSON.stringify(patient)}\t${assignment[patient]}\n`);
  }
  return hash.digest("hex");
}

/** Reads `split.json`. Problems: not JSON, not of this form or version, a hash that is not that of the assignment. */
export function parseSplit(text: string, where: string): Result<Split> {
  const next = "restore the split.json that training wrote, or train into a new run folder";
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return fail({
      kind: "not JSON",
      where,
      got: "text that is no JSON",
      expected: "a split as training wrote it",
      next,
    });
  }
  const parsed = splitSchema.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = `${where}: ${issue?.path.join(".") ?? ""}`;
    return fail({ kind: "not a split", where: place, got: issue?.message ?? "", expected: "split format 1", next });
  }
  const hash = splitHash(parsed.data.folds);
  if (hash === parsed.data.hash) return ok(parsed.data);
  return fail({ kind: "changed split", where, got: `the hash ${parsed.data.hash}`, expected: hash, next });
}

/** The rows whose patient stands in a fold, in the order of the rows; `patients` is the patient of each row. */
export function rowsOfFold(split: Split, patients: readonly string[], fold: Fold): Int32Array {
  const members = new Set(Object.keys(split.folds).filter((patient) => split.folds[patient] === fold));
  const rows: number[] = [];
  for (const [row, patient] of patients.entries()) if (members.has(patient)) rows.push(row);
  return Int32Array.from(rows);
}

function refusal(components: readonly Component[], fractions: FoldFractions) {
  const shares = folds.map((fold) => fractions[fold]);
  const sum = shares.reduce((total, share) => total + share, 0);
  if (!shares.every((share) => share >= 0 && share <= 1) || !(fractions.train > 0) || Math.abs(sum - 1) > 1e-6) {
    const got = folds.map((fold) => `${fold} ${fractions[fold]}`).join(", ");
    return {
      kind: "fractions",
      got,
      expected: "shares from 0 to 1 that sum to 1, with some for train",
      next: "write for example train 0.7, validation 0.15, test 0.15",
    };
  }
  const active = shares.filter((share) => share > 0).length;
  const patients = components.reduce((total, component) => total + component.patients.length, 0);
  if (components.length < active) {
    const apart = patients === components.length ? "" : ` that share slices and so count as ${components.length}`;
    return {
      kind: "too few patients",
      got: `${patients} ${patients === 1 ? "patient" : "patients"}${apart}`,
      expected: `at least ${active}, one for each fold, since no patient may stand on two sides`,
      next: "add studies of more patients, or make some with `ichor phantom`",
    };
  }
  if (components.every(({ labelled }) => labelled === 0)) {
    return {
      kind: "no labels",
      got: `${patients} patients, none with a label`,
      expected: "slices with the six labels",
      next: "index again with the label table: `ichor index DIR --out DIR --labels FILE`",
    };
  }
  if (components.every(({ positives }) => positives[anyIndex] === 0)) {
    return {
      kind: "no positive case",
      got: `${patients} patients, none with a slice that is positive for any`,
      expected: "at least one patient with hemorrhage to learn from",
      next: "add positive studies, or look whether the label table belongs to these files",
    };
  }
  return undefined;
}
