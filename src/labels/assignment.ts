import { random } from "../base/index.ts";
import type { Component } from "./components.ts";
import { anyIndex, labelCount } from "./labels.ts";

/** The parts of a split, in the order in which they are written. */
export const folds = ["train", "validation", "test"] as const;

/** A patient's part. */
export type Fold = (typeof folds)[number];

/** Share of the patients that each fold should get; they sum to 1. */
export type FoldFractions = Readonly<Record<Fold, number>>;

// What is spread evenly, as counts of patients: the six labels, then having labels, then being there.
const labelledFeature = labelCount;
const patientFeature = labelCount + 1;
const featureCount = labelCount + 2;

/** Who gets the only positive patients: first whoever learns, then the proof, then the choice of the epoch. */
const precedence: readonly Fold[] = ["train", "test", "validation"];

/** Orders of dealing that are tried, for few patients; thousands need one only, as their deviations average out. */
const attemptLimit = 64;
const attemptBudget = 20_000; // components dealt over all attempts: some 0.3 s

/**
 * The fold of each component, in the order of the components. The rarest feature is dealt out first, each component to
 * the fold that wants most of it. How many patients positive for `any` a fold gets is settled before which ones, as
 * otherwise single patients of several rare labels would all go to the largest fold. Of several orders of dealing the
 * one that comes closest to the fractions stands.
 * Needs components sorted by their first patient, as many as there are folds with a fraction above 0, and one with a
 * positive `any`.
 */
export function placeComponents(
  components: readonly Component[],
  { seed, fractions }: { readonly seed: number; readonly fractions: FoldFractions },
): readonly Fold[] {
  const active = precedence.filter((fold) => fractions[fold] > 0);
  const shares = active.map((fold) => fractions[fold]);
  const features = components.map(featuresOf);
  const wanted = Array.from({ length: featureCount }, (_, feature) => {
    const holders = features.filter((counts) => counts[feature]! > 0).length;
    const total = features.reduce((sum, counts) => sum + counts[feature]!, 0);
    return quotas(total, shares, holders);
  });
  const attempts = Math.max(1, Math.min(attemptLimit, Math.floor(attemptBudget / components.length)));
  let best: { readonly placed: readonly number[]; readonly distance: number } | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const dealt = deal(features, { wanted, shares, order: shuffled(components, seed, attempt) });
    if (best === undefined || dealt.distance < best.distance) best = dealt;
  }
  return best!.placed.map((fold) => active[fold]!);
}

/** One dealing in a given order, and how far it is from what was wanted: Σ (wanted − got)² / wanted. */
function deal(
  features: readonly (readonly number[])[],
  {
    wanted,
    shares,
    order,
  }: {
    readonly wanted: readonly (readonly number[])[];
    readonly shares: readonly number[];
    readonly order: readonly number[];
  },
): { readonly placed: readonly number[]; readonly distance: number } {
  const wants = wanted.map((row) => [...row]);
  const placed = new Array<number>(features.length).fill(0);
  const waiting = new Set(order);
  const undealt = wanted.map((_, feature) => feature);
  while (waiting.size > 0) {
    const feature = rarest(undealt, features, waiting);
    undealt.splice(undealt.indexOf(feature), 1);
    for (const index of waiting) {
      const counts = features[index]!;
      if (counts[feature] === 0) continue;
      const fold = neediest(wants, { feature, counts, shares });
      for (const [at, count] of counts.entries()) wants[at]![fold]! -= count;
      placed[index] = fold;
      waiting.delete(index);
    }
  }
  fillEmptyFolds(placed, features, shares.length);
  const distance = wants.flatMap((row, at) => row.map((want, fold) => want ** 2 / Math.max(1, wanted[at]![fold]!)));
  return { placed, distance: distance.reduce((sum, term) => sum + term, 0) };
}

function featuresOf({ positives, labelled, patients }: Component): readonly number[] {
  return [...positives, labelled, patients.length];
}

/** Indices of the components in an order that depends on the seed and on who is in them, not on how they came. */
function shuffled(components: readonly Component[], seed: number, attempt: number): readonly number[] {
  const keys = components.map(({ patients }) => random(seed, "split", attempt, patients[0]!).uniform());
  return components.map((_, index) => index).sort((one, other) => keys[one]! - keys[other]! || one - other);
}

/**
 * `total` patients as whole numbers by the fractions (largest remainder), at least one for each of the first `holders`
 * folds in order of precedence: a fold without a single case has no statistic at all.
 */
function quotas(total: number, fractions: readonly number[], holders: number): number[] {
  const exact = fractions.map((fraction) => fraction * total);
  const least = (fold: number) => (fold < holders ? 1 : 0);
  const whole = exact.map((share, fold) => Math.max(Math.floor(share), least(fold)));
  const sum = () => whole.reduce((all, one) => all + one, 0);
  const owed = (fold: number) => exact[fold]! - whole[fold]!;
  const byDebt = (one: number, other: number) => owed(other) - owed(one) || one - other;
  const all = fractions.map((_, fold) => fold);
  while (sum() < total) whole[[...all].sort(byDebt)[0]!]!++;
  while (sum() > total)
    whole[
      all
        .filter((fold) => whole[fold]! > 1)
        .sort(byDebt)
        .at(-1)!
    ]!--;
  return whole;
}

/** The feature with the fewest waiting patients that has some. Being there comes last: everyone has it. */
function rarest(undealt: readonly number[], features: readonly (readonly number[])[], waiting: ReadonlySet<number>) {
  let best = patientFeature;
  let fewest = Number.POSITIVE_INFINITY;
  for (const feature of undealt) {
    let count = 0;
    for (const index of waiting) count += features[index]![feature]!;
    if (count > 0 && count < fewest) {
      best = feature;
      fewest = count;
    }
  }
  return best;
}

/** The fold that wants most of a feature by its share, among those that still want a component of this kind at all. */
function neediest(
  wants: readonly (readonly number[])[],
  {
    feature,
    counts,
    shares,
  }: { readonly feature: number; readonly counts: readonly number[]; readonly shares: readonly number[] },
): number {
  const kind = counts[anyIndex]! > 0 ? anyIndex : counts[labelledFeature]! > 0 ? labelledFeature : patientFeature;
  const all = wants[kind]!.map((_, fold) => fold);
  const open = all.filter((fold) => wants[kind]![fold]! > 0);
  const [best] = (open.length > 0 ? open : all).sort((one, other) => {
    for (const want of [feature, kind, patientFeature]) {
      const difference = wants[want]![other]! / shares[other]! - wants[want]![one]! / shares[one]!;
      if (difference !== 0) return difference;
    }
    return one - other;
  });
  return best!;
}

/** Large components can leave a fold empty: it then gets the least valuable one of the fold with the most of them. */
function fillEmptyFolds(placed: number[], features: readonly (readonly number[])[], foldCount: number): void {
  for (let empty = 0; empty < foldCount; empty++) {
    if (placed.includes(empty)) continue;
    const sizes = Array.from({ length: foldCount }, (_, fold) => placed.filter((other) => other === fold).length);
    const largest = sizes.indexOf(Math.max(...sizes));
    const [moved] = placed
      .map((_, index) => index)
      .filter((index) => placed[index] === largest)
      .sort((one, other) => {
        const [a, b] = [features[one]!, features[other]!];
        return a[anyIndex]! - b[anyIndex]! || a[patientFeature]! - b[patientFeature]! || one - other;
      });
    placed[moved!] = empty;
  }
}
