import { rankSeries, whyNotChosen } from "./series-choice.ts";
import { type SeriesFacts, type SeriesSlice, seriesFacts } from "./series-facts.ts";
import { type LeftOut, oneAcquisition, onePlane } from "./series-parts.ts";
import { whyNotRead } from "./series-rules.ts";

/** The slices of one series of a study. */
export interface FoundSeries<T> {
  readonly uid: string;
  readonly slices: readonly T[];
}

/** What becomes of a series: read, or not, with the reason in the words of the ledger. */
export interface SeriesVerdict<T> {
  readonly uid: string;
  readonly status: "chosen" | "kept" | "not chosen" | "set aside";
  /** Kind in the ledger; empty for a series that is read. */
  readonly kind: string;
  /** Why it is read, or why not. */
  readonly detail: string;
  readonly facts: SeriesFacts;
  /** The slices that are read; none where the series is not. */
  readonly slices: readonly T[];
}

/** A study's series, the chosen one first, and the slices that are not read, in the order in which they were found. */
export interface SeriesChoice<T> {
  readonly verdicts: readonly SeriesVerdict<T>[];
  readonly setAside: readonly LeftOut<T>[];
}

/** How a series that was not chosen is called in the ledger. */
const notChosen = "series not chosen";

/**
 * Chooses the series of a study that is read. A series is none to read by the first of `seriesRules` that speaks; of the
 * rest `choiceRules` choose one, of which one volume is kept (one plane, one acquisition). A series with a slice that
 * `isKept` (one with labels, in training) is used whole, whatever the rules say: a label is never lost in silence. Where
 * a study has such a series, the others are not chosen.
 */
export function chooseSeries<T extends SeriesSlice>(
  found: readonly FoundSeries<T>[],
  isKept: (slice: T) => boolean = () => false,
): SeriesChoice<T> {
  const judged = found.map((series) => judge(series, isKept));
  const whole = judged.filter((series) => series.whole);
  const ranked = rankSeries(judged.filter(({ reason, whole }) => reason === undefined && !whole));
  const best = whole.length === 0 ? ranked[0] : undefined;
  const verdicts = [
    ...whole.map(wholeVerdict),
    ...(best === undefined ? [] : [chosenVerdict(best, ranked, judged.length)]),
    ...ranked.filter((series) => series !== best).map((series) => lostVerdict(series, best)),
    ...judged.filter(({ reason, whole }) => reason !== undefined && !whole).map(setAsideVerdict),
  ];
  return { verdicts, setAside: leftOutOf(found, judged, verdicts) };
}

interface Judged<T> {
  readonly facts: SeriesFacts;
  readonly kept: readonly T[];
  readonly leftOut: readonly LeftOut<T>[];
  readonly reason: { readonly kind: string; readonly detail: string } | undefined;
  /** Used whole, as it has a slice that is kept. */
  readonly whole: boolean;
}

function judge<T extends SeriesSlice>({ uid, slices }: FoundSeries<T>, isKept: (slice: T) => boolean): Judged<T> {
  if (slices.some(isKept)) {
    return { facts: seriesFacts(uid, slices), kept: slices, leftOut: [], reason: undefined, whole: true };
  }
  const plane = onePlane(slices);
  const facts = seriesFacts(uid, plane.kept);
  const reason = whyNotRead(facts); // of all acquisitions: a perfusion is told by their number
  const volume = reason === undefined ? oneAcquisition(plane.kept) : { kept: plane.kept, leftOut: [] };
  const isOne = volume.leftOut.length === 0;
  return {
    facts: isOne ? facts : seriesFacts(uid, volume.kept),
    kept: volume.kept,
    leftOut: [...plane.leftOut, ...volume.leftOut],
    reason,
    whole: false,
  };
}

function wholeVerdict<T>({ facts, kept }: Judged<T>): SeriesVerdict<T> {
  const reason = whyNotRead(facts);
  const doubt = reason === undefined ? "" : `, although it looks like ${reason.kind} (${reason.detail})`;
  return {
    ...{ uid: facts.uid, status: "kept", kind: "", facts, slices: kept },
    detail: `labelled${doubt}`,
  };
}

function chosenVerdict<T>({ facts, kept }: Judged<T>, ranked: readonly Judged<T>[], all: number): SeriesVerdict<T> {
  const rival = ranked[1]?.facts;
  const lone = all === 1 ? "the only series of the study" : `the only head CT to read of ${all} series`;
  const detail =
    rival === undefined
      ? lone
      : `the first of ${ranked.length} head CT series by the rules (${all} series in all); ` +
        `the next: ${whyNotChosen(rival, facts)}`;
  return { uid: facts.uid, status: "chosen", kind: "", detail, facts, slices: kept };
}

function lostVerdict<T>({ facts }: Judged<T>, best: Judged<T> | undefined): SeriesVerdict<T> {
  const detail =
    best === undefined ? "another series of the study is kept for its labels" : whyNotChosen(facts, best.facts);
  return { uid: facts.uid, status: "not chosen", kind: notChosen, detail, facts, slices: [] };
}

function setAsideVerdict<T>({ facts, reason }: Judged<T>): SeriesVerdict<T> {
  const { kind = "", detail = "" } = reason ?? {};
  return { uid: facts.uid, status: "set aside", kind, detail, facts, slices: [] };
}

function leftOutOf<T>(
  found: readonly FoundSeries<T>[],
  judged: readonly Judged<T>[],
  verdicts: readonly SeriesVerdict<T>[],
): readonly LeftOut<T>[] {
  const byUid = new Map(verdicts.map((verdict) => [verdict.uid, verdict]));
  return found.flatMap(({ uid, slices }, index) => {
    const verdict = byUid.get(uid);
    if (verdict === undefined) throw new Error(`no verdict on series ${uid}`);
    const own = new Map(judged[index]?.leftOut.map((left) => [left.slice, left]));
    const used = new Set(verdict.slices);
    const { kind, detail } = verdict;
    return slices.flatMap((slice) => (used.has(slice) ? [] : [own.get(slice) ?? { slice, kind, detail }]));
  });
}
