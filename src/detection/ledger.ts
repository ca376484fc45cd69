import { type LedgerEntry, type LedgerSummary, ledgerHeader, ledgerLine, summariseLedger } from "../base/index.ts";
import type { Draft } from "./draft.ts";

/** The account of every file found, written to `ledger.csv` as it grows. */
export interface Ledger {
  record(entry: LedgerEntry): void;
  summary(): LedgerSummary;
  /** The files that were not used. */
  readonly rows: readonly LedgerEntry[];
}

/** Opens the ledger of a detection. Only the files that were not used are kept: those used may be hundreds of thousands. */
export function openLedger(draft: Draft): Ledger {
  const rows: LedgerEntry[] = [];
  let used = 0;
  draft.write("ledger.csv", ledgerHeader);
  return {
    rows,
    record(entry) {
      draft.write("ledger.csv", ledgerLine(entry));
      if (entry.status === "used") used++;
      else rows.push(entry);
    },
    summary() {
      const unused = summariseLedger(rows);
      return { ...unused, used: used, found: unused.found + used };
    },
  };
}
