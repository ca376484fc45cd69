import { type LedgerEntry, type LedgerSummary, ledgerHeader, ledgerLine, summariseLedger } from "../base/index.ts";
import type { Draft } from "./draft.ts";

/** The account of every file found, written to `ledger.csv` as it grows. */
export interface Ledger {
  record(entry: LedgerEntry): void;
  /** Says that a file holds several frames: an entry for each is to come, and the file is recorded with the last. */
  expectFrames(path: string, frames: number): void;
  summary(): LedgerSummary;
  /** The files that were not used. */
  readonly rows: readonly LedgerEntry[];
}

/** Opens the ledger of a detection. Only the files that were not used are kept: those used may be hundreds of thousands. */
export function openLedger(draft: Draft): Ledger {
  const rows: LedgerEntry[] = [];
  const open = new Map<string, FrameAccount>();
  let used = 0;
  const write = (entry: LedgerEntry) => {
    draft.write("ledger.csv", ledgerLine(entry));
    if (entry.status === "used") used++;
    else rows.push(entry);
  };
  draft.write("ledger.csv", ledgerHeader);
  return {
    rows,
    record(entry) {
      const account = open.get(entry.path);
      if (account === undefined) return write(entry);
      const whole = addFrame(account, entry);
      if (whole === undefined) return;
      open.delete(entry.path);
      write(whole);
    },
    expectFrames(path, frames) {
      open.set(path, { frames, seen: 0, leftOut: 0, reasons: new Set(), best: undefined });
    },
    summary() {
      const unused = summariseLedger(rows);
      return { ...unused, used: used, found: unused.found + used };
    },
  };
}

/** What is known of a file while its frames come in. */
interface FrameAccount {
  readonly frames: number;
  seen: number;
  leftOut: number;
  readonly reasons: Set<string>;
  best: LedgerEntry | undefined;
}

/** A file of several frames is used if one of them is; else it failed if one did: as in the index. */
const ranks = { used: 0, failed: 1, "set aside": 2 } as const satisfies Record<LedgerEntry["status"], number>;

/** Takes up a frame; gives the file's entry with its last one. */
function addFrame(account: FrameAccount, entry: LedgerEntry): LedgerEntry | undefined {
  account.seen++;
  const best = account.best === undefined || ranks[entry.status] < ranks[account.best.status] ? entry : account.best;
  account.best = best;
  if (entry.status !== "used") account.leftOut++;
  if (entry.kind !== "") account.reasons.add(entry.kind);
  const { frames, seen, leftOut, reasons } = account;
  if (seen < frames) return undefined;
  if (leftOut === 0) return best;
  return { ...best, detail: `${leftOut} of ${frames} frames left out: ${[...reasons].sort().join(", ")}` };
}
