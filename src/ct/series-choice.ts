import type { SeriesFacts } from "./series-facts.ts";
import { kernelWords } from "./series-kernels.ts";
import { namesHead } from "./series-names.ts";

/** A rule by which of two series one is read: its words, a rank (the lower wins), and what is said of the one that lost. */
interface ChoiceRule {
  readonly name: string;
  readonly rule: string;
  readonly rank: (facts: SeriesFacts) => number;
  readonly says: (lost: SeriesFacts, won: SeriesFacts) => string;
}

/** What detectors learned on: nine of ten series of the competition are 5 mm thick, some 3 to 4 mm. */
const usualThicknessMm = 5;
const usualRangeMm = 1;
/** From the base of the skull to its vertex an adult's head measures some 130 to 160 mm, a small child's over 100. */
const wholeHeadMm = 100;
/** An adult's head is up to 200 mm long and 160 mm wide. */
const wholeViewMm = 160;

/**
 * The rules in their order: the first on which two series differ decides. What a header does not say ranks behind what is
 * good and before what is bad, where there is such a thing.
 */
export const choiceRules: readonly ChoiceRule[] = [
  {
    name: "coverage",
    rule: `${wholeHeadMm} mm and more along the normal before less`,
    rank: ({ extentMm }) => Number(!(extentMm !== undefined && extentMm >= wholeHeadMm)),
    says: (lost, won) => `covers less: ${millimetres(lost.extentMm)} against ${millimetres(won.extentMm)}`,
  },
  {
    name: "view",
    rule: `slices that show ${wholeViewMm} mm and more before narrower ones`,
    rank: ({ fieldOfViewMm }) => Number(fieldOfViewMm !== undefined && fieldOfViewMm < wholeViewMm),
    says: (lost, won) => `shows less: ${millimetres(lost.fieldOfViewMm)} against ${millimetres(won.fieldOfViewMm)}`,
  },
  {
    name: "head",
    rule: "series that are said to show a head before others",
    rank: ({ description, bodyPart }) => Number(!namesHead(description) && !namesHead(bodyPart)),
    says: () => "is not said to show a head, as the other is",
  },
  {
    name: "plain",
    rule: "without contrast agent, or not said to have it, before with it",
    rank: ({ contrast }) => ({ no: 0, unknown: 0, yes: 1 })[contrast],
    says: () => "with contrast agent",
  },
  {
    name: "kernel",
    rule: "soft kernels before those not known before medium ones",
    rank: ({ sharpness }) => ({ soft: 0, unknown: 1, medium: 2, sharp: 3 })[sharpness],
    says: (lost, won) => `sharper or unknown kernel: ${kernelWords(lost.kernel)} against ${kernelWords(won.kernel)}`,
  },
  {
    name: "thickness",
    rule: `nearest to ${usualThicknessMm} mm, which detectors learned on; ${usualRangeMm} mm to either side is as good`,
    rank: ({ thicknessMm }) =>
      thicknessMm === undefined
        ? usualThicknessMm
        : Math.max(0, hundredths(Math.abs(thicknessMm - usualThicknessMm)) - usualRangeMm),
    says: (lost, won) => {
      const word = (lost.thicknessMm ?? 0) > (won.thicknessMm ?? 0) ? "thicker" : "thinner";
      const seen = lost.thicknessMm === undefined ? "thickness not known" : `${word}: ${millimetres(lost.thicknessMm)}`;
      return `${seen} against ${millimetres(won.thicknessMm)}`;
    },
  },
  {
    name: "original",
    rule: "reconstructed from the measurement before computed from other slices",
    rank: ({ imageType }) => Number(derivedWord(imageType) !== undefined),
    says: ({ imageType }) => `computed from other slices: ImageType says ${derivedWord(imageType)}`,
  },
  {
    name: "positions",
    rule: "most positions along the normal",
    rank: ({ positions }) => -positions,
    says: (lost, won) => `fewer positions: ${lost.positions} against ${won.positions}`,
  },
  {
    name: "gaps",
    rule: "fewest missing slices and uneven gaps",
    rank: ({ gaps }) => gaps,
    says: (lost, won) => `more gaps: ${lost.gaps} against ${won.gaps}`,
  },
  {
    name: "slices",
    rule: "most slices",
    rank: ({ slices }) => -slices,
    says: (lost, won) => `fewer slices: ${lost.slices} against ${won.slices}`,
  },
  {
    name: "number",
    rule: "the lower series number",
    rank: ({ number }) => number ?? Number.MAX_SAFE_INTEGER,
    says: (lost, won) => `equal in all else, series number ${lost.number ?? "unknown"} after ${won.number}`,
  },
];

/** What of ImageType says that a series was computed from other slices: no more than the word. */
function derivedWord(imageType: readonly string[]): string | undefined {
  if (imageType[0] === "DERIVED") return imageType[0];
  return imageType.map((value) => /REFORMATTED|MPR/.exec(value)?.[0]).find((word) => word !== undefined);
}

/** The series of a study in the order in which they would be read; equal ones by UID, so that file order does not matter. */
export function rankSeries<T extends { readonly facts: SeriesFacts }>(series: readonly T[]): readonly T[] {
  return [...series].sort(({ facts: one }, { facts: other }) => {
    const rule = decidingRule(one, other);
    return rule === undefined ? (one.uid < other.uid ? -1 : 1) : rule.rank(one) - rule.rank(other);
  });
}

/** Why `lost` is not read where `won` is, in a few words: "thinner: 0.6 mm against 5 mm". */
export function whyNotChosen(lost: SeriesFacts, won: SeriesFacts): string {
  return decidingRule(lost, won)?.says(lost, won) ?? "equal in all, its UID comes later";
}

function decidingRule(one: SeriesFacts, other: SeriesFacts): ChoiceRule | undefined {
  return choiceRules.find(({ rank }) => rank(one) !== rank(other));
}

function millimetres(mm: number | undefined): string {
  return mm === undefined ? "unknown" : `${Number(mm.toFixed(2))} mm`;
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
