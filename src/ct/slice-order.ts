import type { Vector } from "./slice-header.ts";

/** What is needed of a slice to order it. */
export interface Plane {
  readonly sliceId: string;
  readonly position: Vector | undefined;
  readonly orientation: readonly [number, number, number, number, number, number] | undefined;
}

/** What is unusual in a series, for the ledger and the report: `count` slices or gaps. */
export interface SeriesRemark {
  readonly kind: "same position" | "missing position" | "mixed orientation" | "uneven spacing";
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
  readonly remarks: readonly SeriesRemark[];
}

/** Orders the slices of one series along their normal. */
export function orderSeries<T extends Plane>(slices: readonly T[]): SeriesOrder<T> {
  return {
    ordered: slices,
    alongNormalMm: [],
    spacingMm: undefined,
    tiltDegrees: undefined,
    evenness: "unknown",
    remarks: [],
  };
}
