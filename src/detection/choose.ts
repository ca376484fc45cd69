import { resolve } from "node:path";
import { fail, ok, type Result } from "../base/index.ts";
import { chooseSeries, findRepeats, type SeriesVerdict } from "../ct/index.ts";
import type { Ledger } from "./ledger.ts";
import { interrupted, type SliceRow, type StudyRows } from "./survey.ts";

/** A study whose series have been chosen among. */
export interface ChosenStudy {
  readonly uid: string;
  /** The series that is read; `undefined` where none is a head CT to read. */
  readonly chosen: SeriesVerdict<SliceRow> | undefined;
  /** Those that are not read, with their reasons. */
  readonly others: readonly SeriesVerdict<SliceRow>[];
  /** Slices of the chosen series that do not belong to its volume, by the reason. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/** Chooses the series of each study that is read, and accounts for the files of all others. Problem: "interrupted". */
export async function chooseInStudies(
  studies: readonly StudyRows[],
  { ledger, signal }: { readonly ledger: Pick<Ledger, "record">; readonly signal: AbortSignal },
): Promise<Result<readonly ChosenStudy[]>> {
  const chosen: ChosenStudy[] = [];
  for (const study of studies) {
    if (signal.aborted) return fail(interrupted("choosing series"));
    chosen.push(await chooseInStudy(study, ledger));
  }
  return ok(chosen);
}

async function chooseInStudy({ uid, series }: StudyRows, ledger: Pick<Ledger, "record">): Promise<ChosenStudy> {
  const { verdicts, setAside } = chooseSeries(series);
  const best = verdicts.find(({ status }) => status === "chosen");
  const repeats = await findRepeats(best?.slices ?? [], ({ shown, frame }) => ({ path: resolve(shown), frame }));
  const found = new Set(series.find((each) => each.uid === best?.uid)?.slices);
  const leftOut: Record<string, number> = {};
  for (const { slice, kind, detail } of [...setAside, ...repeats]) {
    ledger.record({ path: slice.shown, status: "set aside", kind, detail });
    if (found.has(slice)) leftOut[kind] = (leftOut[kind] ?? 0) + 1;
  }
  const repeated = new Set(repeats.map(({ slice }) => slice));
  const others = verdicts.filter((verdict) => verdict !== best);
  if (best === undefined) return { uid, chosen: best, others, leftOut };
  return { uid, chosen: { ...best, slices: best.slices.filter((slice) => !repeated.has(slice)) }, others, leftOut };
}
