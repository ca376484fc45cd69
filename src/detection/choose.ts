import { chooseSeries, type SeriesVerdict } from "../ct/index.ts";
import type { Ledger } from "./ledger.ts";
import type { SliceRow, StudyRows } from "./survey.ts";

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

/** Chooses the series of each study that is read, and accounts for the files of all others. */
export function chooseInStudies(studies: readonly StudyRows[], ledger: Ledger): readonly ChosenStudy[] {
  return studies.map(({ uid, series }) => {
    const { verdicts, setAside } = chooseSeries(series);
    for (const { slice, kind, detail } of setAside)
      ledger.record({ path: slice.shown, status: "set aside", kind, detail });
    const chosen = verdicts.find(({ status }) => status === "chosen");
    const found = new Set(series.find((each) => each.uid === chosen?.uid)?.slices);
    const leftOut: Record<string, number> = {};
    for (const { slice, kind } of setAside) if (found.has(slice)) leftOut[kind] = (leftOut[kind] ?? 0) + 1;
    return { uid, chosen, others: verdicts.filter((verdict) => verdict !== chosen), leftOut };
  });
}
