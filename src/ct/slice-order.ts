import type { Vector } from "./slice-header.ts";
import { noShift, type PlacedSlice, type PlaneShift, shiftsToAxis } from "./tilt.ts";

/** What is needed of a slice to order it. */
export interface Plane extends PlacedSlice {
  readonly sliceId: string;
  readonly orientation: readonly [number, number, number, number, number, number] | undefined;
  readonly acquisition?: number | undefined;
  readonly instanceNumber?: number | undefined;
}

/** What is unusual in a series, for the ledger and the report: `count` slices or gaps. */
export interface SeriesRemark {
  readonly kind: "same position" | "missing position" | "missing slice" | "mixed orientation" | "uneven spacing";
  readonly count: number;
}

/** A series from feet to head. */
export interface SeriesOrder<T> {
  readonly ordered: readonly T[];
  /** Of each ordered slice along the slice normal, mm; `undefined` where the file does not say. */
  readonly alongNormalMm: readonly (number | undefined)[];
  /** Median distance between neighbours at different positions, mm. */
  readonly spacingMm: number | undefined;
  /** Angle between the slice normal and the table's axis (z), degrees 0 … 90. */
  readonly tiltDegrees: number | undefined;
  readonly evenness: "even" | "uneven" | "unknown";
  /** Of each ordered slice, to straighten the series: see shiftsToAxis. */
  readonly shiftsMm: readonly PlaneShift[];
  readonly remarks: readonly SeriesRemark[];
}

/** Cosines of slices of one series agree to this: rounding in the header's decimal strings. */
const cosineTolerance = 1e-3;
/** Positions closer than this are the same, mm: half the finest spacing of a scanner. */
export const samePositionMm = 0.05;
/** A series is even if no gap is further from the median than this share of it. */
const evenShare = 0.1;

/** Gaps of so many spacings and more, to the same share, are slices that are not there. */
const leastMissing = 2;

/**
 * Orders the slices of one series along their normal (the cross product of rows and columns, PS3.3 C.7.6.2.1.1), from
 * feet to head, whatever the order of the files. At one position the acquisition decides, then the instance number, then
 * the id. Slices without a position come last, in the same order among themselves.
 */
export function orderSeries<T extends Plane>(slices: readonly T[]): SeriesOrder<T> {
  const orientation = commonOrientation(slices);
  const normal = orientation === undefined ? undefined : normalOf(orientation);
  const placed = slices.map((slice) => ({ slice, along: along(slice.position, normal) }));
  placed.sort((a, b) => compare(a.along, b.along) || compareNumbers(a.slice, b.slice));
  const ordered = placed.map(({ slice }) => slice);
  const known = placed.flatMap(({ along }) => (along === undefined ? [] : [along]));
  const gaps = gapsOf(known);
  const counts: readonly SeriesRemark[] = [
    { kind: "same position", count: gaps.same },
    { kind: "missing position", count: placed.length - known.length },
    { kind: "missing slice", count: gaps.missing },
    {
      kind: "mixed orientation",
      count: orientation === undefined ? 0 : slices.filter((slice) => differs(slice.orientation, orientation)).length,
    },
    { kind: "uneven spacing", count: gaps.uneven },
  ];
  return {
    ordered,
    alongNormalMm: placed.map(({ along }) => along),
    spacingMm: gaps.spacingMm,
    tiltDegrees: normal === undefined ? undefined : (Math.acos(Math.min(1, Math.abs(normal[2]))) * 180) / Math.PI,
    evenness: gaps.spacingMm === undefined ? "unknown" : gaps.uneven + gaps.missing === 0 ? "even" : "uneven",
    shiftsMm:
      normal === undefined || orientation === undefined ? ordered.map(() => noShift) : shifts(ordered, orientation),
    remarks: counts.filter(({ count }) => count > 0),
  };
}

/** What lies between neighbours; `known`: positions along the normal, ascending, mm. */
function gapsOf(known: readonly number[]) {
  const gaps = known.slice(1).map((mm, index) => mm - known[index]!);
  const steps = gaps.filter((gap) => gap > samePositionMm).sort((a, b) => a - b);
  const spacingMm = steps[steps.length >> 1];
  let [missing, uneven] = [0, 0];
  for (const step of spacingMm === undefined ? [] : steps) {
    const times = Math.round(step / spacingMm!);
    if (times >= leastMissing && Math.abs(step - times * spacingMm!) <= evenShare * spacingMm!) missing += times - 1;
    else if (Math.abs(step - spacingMm!) > evenShare * spacingMm!) uneven++;
  }
  return { spacingMm, same: gaps.length - steps.length, missing, uneven };
}

function shifts(ordered: readonly Plane[], orientation: Orientation): readonly PlaneShift[] {
  const [a, b, c, d, e, f] = orientation;
  const directions = { row: [a, b, c], column: [d, e, f] } as const;
  return shiftsToAxis(ordered, directions, (index) => !differs(ordered[index]?.orientation, orientation));
}

type Orientation = NonNullable<Plane["orientation"]>;

/** The orientation of most slices; of equally frequent ones that of the least id, so that file order does not matter. */
function commonOrientation(slices: readonly Plane[]): Orientation | undefined {
  const groups = new Map<string, { count: number; readonly orientation: Orientation }>();
  for (const { orientation } of [...slices].sort(compareIds)) {
    if (orientation === undefined) continue;
    const key = orientation.map((cosine) => Math.round(cosine / cosineTolerance)).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { count: 1, orientation });
    else group.count++;
  }
  let best: { readonly count: number; readonly orientation: Orientation } | undefined;
  for (const group of groups.values()) if (best === undefined || group.count > best.count) best = group;
  return best?.orientation;
}

/** Slices that no position tells apart. */
function compareNumbers(a: Plane, b: Plane): number {
  return compare(a.acquisition, b.acquisition) || compare(a.instanceNumber, b.instanceNumber) || compareIds(a, b);
}

function compareIds(a: Plane, b: Plane): number {
  return a.sliceId < b.sliceId ? -1 : a.sliceId > b.sliceId ? 1 : 0;
}

/** Unit normal, turned so that it points to the head (or, for slices that stand upright, to the back or the left). */
function normalOf([a, b, c, d, e, f]: Orientation): Vector | undefined {
  const cross = [b * f - c * e, c * d - a * f, a * e - b * d] as const;
  const length = Math.hypot(...cross);
  if (!(length > 0.5)) return undefined; // rows and columns that are no two directions
  const lead = [cross[2], cross[1], cross[0]].find((part) => Math.abs(part) > 0.5 * length) ?? cross[2];
  const sign = lead < 0 ? -1 : 1;
  return [(sign * cross[0]) / length, (sign * cross[1]) / length, (sign * cross[2]) / length];
}

function along(position: Vector | undefined, normal: Vector | undefined): number | undefined {
  if (position === undefined || normal === undefined) return undefined;
  return position[0] * normal[0] + position[1] * normal[1] + position[2] * normal[2];
}

function compare(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a - b;
}

function differs(orientation: Plane["orientation"], common: Orientation): boolean {
  return (
    orientation === undefined ||
    orientation.some((cosine, index) => Math.abs(cosine - common[index]!) > cosineTolerance)
  );
}
