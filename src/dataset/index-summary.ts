import { join } from "node:path";
import { fail, type LedgerEntry, type LedgerSummary, ok, type Problem, type Result } from "../base/index.ts";
import { type Label, labels } from "../labels/index.ts";
import type { Database } from "./database.ts";
import { figures } from "./index-sql.ts";
import type { Part } from "./table.ts";

/** What the label table held. */
export interface LabelTableSummary {
  readonly path: string;
  /** Lines after the header. */
  readonly rows: number;
  readonly slices: number;
  /** Rows dropped because an equal row stands before them. */
  readonly duplicateRows: number;
  /** Slices that have labels and no used file; all of them stand in `labels-without-images.csv`. */
  readonly withoutImage: number;
}

/** What an index holds, in figures. */
export interface IndexSummary {
  /** Path of `index.parquet`. */
  readonly index: string;
  /** Path of `ledger.csv`. */
  readonly ledgerFile: string;
  readonly ledger: LedgerSummary;
  readonly patients: number;
  readonly studies: number;
  readonly series: number;
  /** Used slices by part. */
  readonly parts: Readonly<Record<Part, number>>;
  /** Used slices with and without labels. */
  readonly labelled: number;
  readonly unlabelled: number;
  /** Positive slices, and patients who have one, by label. */
  readonly positives: Readonly<Record<Label, { readonly slices: number; readonly patients: number }>>;
  readonly pixelGroups: Readonly<Record<string, number>>;
  /** What is unusual but used, in words, with the number of slices or gaps. */
  readonly remarks: readonly { readonly kind: string; readonly count: number }[];
  readonly labelTable: LabelTableSummary | undefined;
}

/** Names of what an index writes. */
export const indexFiles = {
  index: "index.parquet",
  ledger: "ledger.csv",
  unmatched: "labels-without-images.csv",
} as const;

/** Where the figures come from. */
export interface SummaryOptions {
  readonly root: string;
  readonly out: string;
  /** Path of the label table. */
  readonly labels: string | undefined;
  /** Number of files found. */
  readonly count: number;
  /** What orderSeries remarked, by kind. */
  readonly remarks: ReadonlyMap<string, number>;
}

/**
 * The figures of an index from its table `files`. Problems: files found and files accounted for differ, no slice, a
 * label table that has labels for none of the slices.
 */
export async function summariseIndex(database: Database, o: SummaryOptions): Promise<Result<IndexSummary>> {
  const ledger = await summariseFiles(database);
  const [totals] = await database.rows(figures.totals);
  const labelled = Number(totals!["labelled"]);
  const labelTable = o.labels === undefined ? undefined : await summariseLabels(database, o.labels);
  const problem = refusal({ ...o, ledger, labelled, labelTable });
  if (problem !== undefined) return fail(problem);
  const [positive] = await database.rows(figures.positives);
  const positives = labels.map((label): [Label, { slices: number; patients: number }] => {
    return [label, { slices: Number(positive![`${label}_slices`]), patients: Number(positive![`${label}_patients`]) }];
  });
  const remarks = [...o.remarks].sort().map(([kind, count]) => ({ kind, count }));
  const nameless = Number(totals!["nameless"]);
  if (nameless > 0) remarks.push({ kind: "no PatientID, the study stands for the patient", count: nameless });
  return ok({
    index: join(o.out, indexFiles.index),
    ledgerFile: join(o.out, indexFiles.ledger),
    ledger,
    patients: Number(totals!["patients"]),
    studies: Number(totals!["studies"]),
    series: Number(totals!["series"]),
    parts: { train: 0, test: 0, "": 0, ...(await counts(database, figures.parts)) },
    labelled,
    unlabelled: Number(totals!["unlabelled"]),
    positives: Object.fromEntries(positives) as IndexSummary["positives"],
    pixelGroups: await counts(database, figures.groups),
    remarks,
    labelTable,
  });
}

async function summariseFiles(database: Database): Promise<LedgerSummary> {
  const sums: Record<LedgerEntry["status"], number> = { used: 0, "set aside": 0, failed: 0 };
  const reasons: Record<string, number> = {};
  for (const row of await database.rows(figures.reasons)) {
    const files = Number(row["files"]);
    const kind = String(row["kind"]);
    sums[row["status"] as LedgerEntry["status"]] += files;
    if (kind !== "") reasons[kind] = (reasons[kind] ?? 0) + files;
  }
  const found = sums.used + sums["set aside"] + sums.failed;
  return { found, used: sums.used, setAside: sums["set aside"], failed: sums.failed, reasons };
}

async function summariseLabels(database: Database, path: string): Promise<LabelTableSummary> {
  const [row] = await database.rows(figures.labelTable);
  const slices = Number(row!["slices"]);
  const rows = Number(row!["entries"]);
  return { path, rows, slices, duplicateRows: rows - slices * labels.length, withoutImage: Number(row!["unmatched"]) };
}

async function counts(database: Database, sql: string): Promise<Record<string, number>> {
  const rows = await database.rows(sql);
  return Object.fromEntries(
    rows.map((row) => Object.values(row)).map(([name, count]) => [String(name), Number(count)]),
  );
}

function refusal(
  o: SummaryOptions & {
    readonly ledger: LedgerSummary;
    readonly labelled: number;
    readonly labelTable: LabelTableSummary | undefined;
  },
): Problem | undefined {
  if (o.ledger.found !== o.count) {
    return {
      kind: "ledger does not reconcile",
      where: o.root,
      got: `${o.ledger.found} files accounted for`,
      expected: `the ${o.count} files found`,
      next: "report this fault of Ichor with the two numbers",
    };
  }
  if (o.ledger.used === 0) {
    const reasons = Object.entries(o.ledger.reasons).map(([kind, files]) => `${files} ${kind}`);
    return {
      kind: "no CT slice",
      where: o.root,
      got: o.count === 0 ? "an empty folder" : `${o.count} files: ${reasons.join(", ")}`,
      expected: "a folder with DICOM files of CT slices, at any depth",
      next: "name the folder that holds the DICOM files",
    };
  }
  if (o.labelTable === undefined || o.labelled > 0) return undefined;
  return {
    kind: "labels fit no slice",
    where: o.labelTable.path,
    got: `labels of ${o.labelTable.slices} slices, none of the ${o.ledger.used} in ${o.root}`,
    expected: "IDs made of a file's name (ID_…) or its SOPInstanceUID, and a label",
    next: "name the right table with --labels",
  };
}
