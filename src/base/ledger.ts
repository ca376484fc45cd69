/** What became of one file that was found. The sums of a ledger reconcile: found = used + set aside + failed. */
export interface LedgerEntry {
  /** Path as the user would type it, relative to the folder given where there is one. */
  readonly path: string;
  readonly status: "used" | "set aside" | "failed";
  /** Short reason, empty for a used file: e.g. "not DICOM", "not CT", "truncated", "transfer syntax". */
  readonly kind: string;
  /** One sentence with the value seen; never patient data. */
  readonly detail: string;
}

/** Counts of a ledger by status, and by kind of reason. */
export interface LedgerSummary {
  readonly found: number;
  readonly used: number;
  readonly setAside: number;
  readonly failed: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** One line of `ledger.csv`: path,status,kind,detail, quoted where needed (RFC 4180). */
export function ledgerLine({ path, status, kind, detail }: LedgerEntry): string {
  return `${[path, status, kind, detail].map(csvField).join(",")}\n`;
}

/** The first line of `ledger.csv`. */
export const ledgerHeader = "path,status,kind,detail\n";

/** A CSV field, quoted where it holds a comma, a quote or a line break (RFC 4180). */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The sums of a ledger. */
export function summariseLedger(entries: Iterable<LedgerEntry>): LedgerSummary {
  const counts = { used: 0, "set aside": 0, failed: 0 };
  const reasons: Record<string, number> = {};
  let found = 0;
  for (const { status, kind } of entries) {
    found++;
    counts[status]++;
    if (kind !== "") reasons[kind] = (reasons[kind] ?? 0) + 1;
  }
  return { found, used: counts.used, setAside: counts["set aside"], failed: counts.failed, reasons };
}
