import { resolve } from "node:path";
import { fail, ok, type Result } from "../base/index.ts";
import { chooseSeries, findRepeats, type LeftOut, type SeriesVerdict } from "../ct/index.ts";
import { interrupted, type SeriesRows, type SliceRow, type StudyRows } from "./survey.ts";

/** A study whose series have been chosen among. */
export interface ChosenStudy {
  readonly uid: string;
  /** The series that is read; `undefined` where none is a head CT to read. */
  readonly chosen: SeriesVerdict<SliceRow> | undefined;
  /** Those that are not read, with their reasons. */
  readonly others: readonly SeriesVerdict<SliceRow>[];
  /** Slices of the chosen series that do not belong to its volume. */
  readonly leftOut: readonly LeftOut<SliceRow>[];
  /** Slices of the others, for the ledger once it is known that the chosen series can be read. */
  readonly unread: readonly LeftOut<SliceRow>[];
  /** The series that were not tried. */
  readonly rest: readonly SeriesRows[];
}

/** Chooses the series of each study that is read. Problem: "interrupted". */
export async function chooseInStudies(
  studies: readonly StudyRows[],
  signal: AbortSignal,
): Promise<Result<readonly ChosenStudy[]>> {
  const chosen: ChosenStudy[] = [];
  for (const study of studies) {
    if (signal.aborted) return fail(interrupted("choosing series"));
    chosen.push(await chooseInStudy(study));
  }
  return ok(chosen);
}

/** How a series is called of whose slices none could be decoded. */
export const undecoded = "nothing decoded";

/**
 * The same study without its chosen series, of which nothing could be decoded: the next one by the same rules.
 * Undefined where none is left to read.
 */
export async function chooseNext({ uid, chosen, others, rest }: ChosenStudy): Promise<ChosenStudy | undefined> {
  if (chosen === undefined || !others.some(({ status }) => status === "not chosen")) return undefined;
  const next = await chooseInStudy({ uid, series: rest });
  const tried = others.filter(({ kind }) => kind === undecoded);
  const detail = `none of its ${chosen.slices.length} slices could be decoded`;
  const failed: ChosenStudy["others"][number] = { ...chosen, status: "set aside", kind: undecoded, detail };
  return { ...next, others: [...tried, failed, ...next.others] };
}

async function chooseInStudy({ uid, series }: StudyRows): Promise<ChosenStudy> {
  const { verdicts, setAside } = chooseSeries(series);
  const best = verdicts.find(({ status }) => status === "chosen");
  const repeats = await findRepeats(best?.slices ?? [], ({ shown, frame }) => ({ path: resolve(shown), frame }));
  const found = new Set(series.find((each) => each.uid === best?.uid)?.slices);
  const repeated = new Set(repeats.map(({ slice }) => slice));
  const slices = best?.slices.filter((slice) => !repeated.has(slice)) ?? [];
  return {
    uid,
    chosen: best && { ...best, slices },
    others: verdicts.filter((verdict) => verdict !== best),
    leftOut: [...setAside.filter(({ slice }) => found.has(slice)), ...repeats],
    unread: setAside.filter(({ slice }) => !found.has(slice)),
    rest: series.filter((each) => each.uid !== best?.uid),
  };
}
