import { mostFrequent, type PlaneName, planeOf, type SeriesSlice } from "./series-facts.ts";
import { orderSeries } from "./slice-order.ts";

/** A slice that does not belong to the volume of its series, and why. */
export interface LeftOut<T> {
  readonly slice: T;
  readonly kind: string;
  readonly detail: string;
}

/** The slices of a series that form one volume, and those that do not. */
export interface SeriesParts<T> {
  readonly kept: readonly T[];
  readonly leftOut: readonly LeftOut<T>[];
}

/**
 * Two planes in one series: the axial slices are kept, without such the more frequent ones; the others are "other plane".
 * Slices without an orientation stay.
 */
export function onePlane<T extends SeriesSlice>(slices: readonly T[]): SeriesParts<T> {
  const planes = slices.map(({ orientation }) => planeOf(orientation));
  const wanted = planes.includes("axial") ? "axial" : mostFrequent(planes.filter((plane) => plane !== "unknown"));
  const isOther = (plane: PlaneName | undefined) => plane !== "unknown" && plane !== wanted;
  return {
    kept: slices.filter((_, index) => !isOther(planes[index])),
    leftOut: slices.flatMap((slice, index) => {
      const plane = planes[index];
      if (!isOther(plane)) return [];
      return [{ slice, kind: "other plane", detail: `${plane} in a series of ${wanted} slices` }];
    }),
  };
}

/** An acquisition and what it covers along the normal, mm. */
interface Covered<T> {
  readonly acquisition: number;
  readonly slices: readonly T[];
  readonly from: number;
  readonly to: number;
}

/**
 * Two acquisitions of one place in one series (before and after contrast agent, or a scan that was repeated) would be
 * read as one volume with every slice twice. Acquisitions are joined to passes over the head while they do not cover the
 * same place, as the rotations of a sequential scan do; the pass with most slices is kept, of equal ones the first. Its
 * rivals are "repeated acquisition". Series of which a slice has no number or no position stay as they are.
 */
export function oneAcquisition<T extends SeriesSlice>(slices: readonly T[]): SeriesParts<T> {
  const passes = passesOf(slices);
  const kept = passes?.reduce((best, pass) => (countOf(pass) > countOf(best) ? pass : best));
  if (passes === undefined || kept === undefined || passes.length < 2) return { kept: slices, leftOut: [] };
  const members = new Set(kept.flatMap((part) => part.slices));
  const numbers = `acquisition ${kept.map(({ acquisition }) => acquisition).join(", ")}`;
  return {
    kept: slices.filter((slice) => members.has(slice)),
    leftOut: slices.flatMap((slice) => {
      if (members.has(slice)) return [];
      const detail = `acquisition ${slice.acquisition} covers the place of ${numbers}`;
      return [{ slice, kind: "repeated acquisition", detail }];
    }),
  };
}

function passesOf<T extends SeriesSlice>(slices: readonly T[]): readonly Covered<T>[][] | undefined {
  const first = slices[0]?.acquisition;
  if (slices.every(({ acquisition }) => acquisition === first)) return undefined; // one, or none that is numbered
  const { ordered, alongNormalMm } = orderSeries(slices);
  const groups = new Map<number, { readonly slices: T[]; readonly along: number[] }>();
  for (const [index, slice] of ordered.entries()) {
    const [number, along] = [slice.acquisition, alongNormalMm[index]];
    if (number === undefined || along === undefined) return undefined;
    const group = groups.get(number) ?? { slices: [], along: [] };
    group.slices.push(slice);
    group.along.push(along);
    groups.set(number, group);
  }
  const passes: Covered<T>[][] = [];
  for (const [acquisition, group] of [...groups].sort(([a], [b]) => a - b)) {
    const part = { acquisition, slices: group.slices, from: group.along[0]!, to: group.along.at(-1)! };
    const free = passes.find((pass) => !pass.some((other) => coverSamePlace(part, other)));
    if (free === undefined) passes.push([part]);
    else free.push(part);
  }
  return passes;
}

/** Whether two acquisitions share more than half of what the shorter one covers; neighbours may touch. */
function coverSamePlace<T>(one: Covered<T>, other: Covered<T>): boolean {
  const shared = Math.min(one.to, other.to) - Math.max(one.from, other.from);
  const shorter = Math.min(one.to - one.from, other.to - other.from);
  return shorter === 0 ? shared >= 0 : shared > shorter / 2;
}

function countOf<T>(pass: readonly Covered<T>[]): number {
  return pass.reduce((sum, part) => sum + part.slices.length, 0);
}
