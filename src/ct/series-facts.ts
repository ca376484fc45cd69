import type { Making } from "./making.ts";
import { kernelSharpness, type Sharpness } from "./series-kernels.ts";
import { namedContrast, plainText } from "./series-names.ts";
import type { SliceHeader, Vector } from "./slice-header.ts";
import { orderSeries, type Plane, samePositionMm } from "./slice-order.ts";

/** What is needed of each slice to choose among series. */
export interface SeriesSlice
  extends Pick<SliceHeader, "sliceId" | "position" | "orientation" | "rows" | "columns" | "pixelSpacing">,
    Pick<Making, "sliceThicknessMm" | "kernel" | "imageType" | "seriesDescription" | "bodyPart" | "contrast">,
    Pick<Making, "acquisition" | "seriesNumber" | "instanceNumber"> {}

/** How the slices of a series lie in the patient. */
export type PlaneName = "axial" | "coronal" | "sagittal" | "unknown";

/** What the headers of a series say together; `undefined` where none does. Lengths in mm. */
export interface SeriesFacts {
  readonly uid: string;
  readonly number: number | undefined;
  readonly slices: number;
  /** Different places along the normal. */
  readonly positions: number;
  readonly plane: PlaneName;
  readonly tiltDegrees: number | undefined;
  readonly spacingMm: number | undefined;
  /** From the first slice's centre to the last one's, along the normal. */
  readonly extentMm: number | undefined;
  /** The longer side of a slice. */
  readonly fieldOfViewMm: number | undefined;
  /** SliceThickness, or the spacing where the headers have none. */
  readonly thicknessMm: number | undefined;
  readonly kernel: string | undefined;
  readonly sharpness: Sharpness;
  readonly contrast: "yes" | "no" | "unknown";
  /** Values of ImageType that most slices have, in capitals. */
  readonly imageType: readonly string[];
  /** Words of the description, and of BodyPartExamined, as `plainText` gives them. */
  readonly description: string;
  readonly bodyPart: string;
  /** Slices that the spacing says are missing, and gaps that are uneven. */
  readonly gaps: number;
}

/** Gathers what a series is chosen by. Of texts that differ between slices the most frequent counts. */
export function seriesFacts(uid: string, slices: readonly SeriesSlice[]): SeriesFacts {
  const order = orderSeries(slices);
  const along = order.alongNormalMm.filter((mm) => mm !== undefined);
  const description = plainText(mostFrequent(slices.map(({ seriesDescription }) => seriesDescription)));
  const kernel = mostFrequent(slices.map((slice) => slice.kernel));
  const told = mostFrequent(slices.map(({ contrast }) => (contrast === "unknown" ? undefined : contrast)));
  const first = along[0];
  return {
    uid,
    number: mostFrequent(slices.map(({ seriesNumber }) => seriesNumber)),
    slices: slices.length,
    positions: along.filter((mm, index) => index === 0 || mm - along[index - 1]! > samePositionMm).length,
    plane: planeOf(mostFrequent(slices.map(({ orientation }) => orientation))),
    tiltDegrees: order.tiltDegrees,
    spacingMm: order.spacingMm,
    extentMm: first === undefined ? undefined : along[along.length - 1]! - first,
    fieldOfViewMm: mostFrequent(slices.map(fieldOfView)),
    thicknessMm: mostFrequent(slices.map(({ sliceThicknessMm }) => sliceThicknessMm)) ?? order.spacingMm,
    kernel,
    sharpness: kernelSharpness(kernel),
    contrast: told ?? namedContrast(description),
    imageType: (mostFrequent(slices.map(({ imageType }) => imageType.join("\\") || undefined)) ?? "")
      .toUpperCase()
      .split("\\")
      .filter((value) => value !== ""),
    description,
    bodyPart: plainText(mostFrequent(slices.map(({ bodyPart }) => bodyPart))),
    gaps: order.remarks
      .filter(({ kind }) => kind === "missing slice" || kind === "uneven spacing")
      .reduce((sum, { count }) => sum + count, 0),
  };
}

/** Unit normal of a slice's plane, with its sign; `undefined` where the header has no two directions. */
export function planeNormal(orientation: Plane["orientation"]): Vector | undefined {
  if (orientation === undefined) return undefined;
  const [a, b, c, d, e, f] = orientation;
  const cross = [b * f - c * e, c * d - a * f, a * e - b * d] as const;
  const length = Math.hypot(...cross);
  return length > 0.5 ? [cross[0] / length, cross[1] / length, cross[2] / length] : undefined;
}

/**
 * The plane that an orientation is nearest to: axial within 45° of the table's axis (head CT is tilted by up to 30°),
 * coronal where the normal points to the back, sagittal where it points to the side.
 */
export function planeOf(orientation: Plane["orientation"]): PlaneName {
  const normal = planeNormal(orientation);
  if (normal === undefined) return "unknown";
  const [x, y, z] = [Math.abs(normal[0]), Math.abs(normal[1]), Math.abs(normal[2])];
  return z >= Math.SQRT1_2 ? "axial" : y >= x ? "coronal" : "sagittal";
}

function fieldOfView({ rows, columns, pixelSpacing }: SeriesSlice): number | undefined {
  return pixelSpacing === undefined ? undefined : Math.max(rows * pixelSpacing[0], columns * pixelSpacing[1]);
}

/** The value that most have; of equally frequent ones the first of the alphabet, so that file order does not matter. */
export function mostFrequent<T>(values: readonly (T | undefined)[]): T | undefined {
  const counts = new Map<string, { readonly value: T; times: number }>();
  for (const value of values) {
    if (value === undefined) continue;
    const key = String(value);
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { value, times: 1 });
    else known.times++;
  }
  const ranked = [...counts].sort(([a, one], [b, other]) => other.times - one.times || (a < b ? -1 : 1));
  return ranked[0]?.[1].value;
}
