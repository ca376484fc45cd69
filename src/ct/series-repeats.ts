import { createHash } from "node:crypto";
import { loadCodecs, told, uidForm } from "../dicom/index.ts";
import { readHu } from "./hounsfield.ts";
import type { LeftOut } from "./series-parts.ts";
import { readSliceHeader } from "./slice-header.ts";
import { orderSeries, type Plane, samePositionMm } from "./slice-order.ts";

/** Where the pixels of a slice are. */
export interface PixelPlace {
  readonly path: string;
  /** 0-based; `undefined` where the file is the slice. */
  readonly frame: number | undefined;
}

/**
 * Slices of a series that are there twice under two UIDs: at one position, with the same HU to the last pixel. Only slices
 * that share a position are decoded, which are few. What cannot be read repeats nothing; its reason is told when its
 * turn comes.
 */
export async function findRepeats<T extends Plane>(
  slices: readonly T[],
  placeOf: (slice: T) => PixelPlace,
): Promise<readonly LeftOut<T>[]> {
  const repeats: LeftOut<T>[] = [];
  for (const group of samePlaces(slices)) {
    const seen = new Map<string, T>();
    for (const slice of group) {
      const pixels = await hashOf(placeOf(slice));
      const first = pixels === undefined ? undefined : seen.get(pixels);
      if (first !== undefined) {
        const detail = `the same position and pixels as ${told(first.sliceId, uidForm)}`;
        repeats.push({ slice, kind: "duplicate slice", detail });
      } else if (pixels !== undefined) seen.set(pixels, slice);
    }
  }
  return repeats;
}

/** Groups of two and more slices at one position, each in the order of the series. */
function samePlaces<T extends Plane>(slices: readonly T[]): readonly (readonly T[])[] {
  const { ordered, alongNormalMm } = orderSeries(slices);
  const groups: T[][] = [];
  for (const [index, slice] of ordered.entries()) {
    const [here, before] = [alongNormalMm[index], alongNormalMm[index - 1]];
    if (here === undefined) continue;
    if (before !== undefined && here - before <= samePositionMm) groups.at(-1)?.push(slice);
    else groups.push([slice]);
  }
  return groups.filter(({ length }) => length > 1);
}

async function hashOf({ path, frame = 0 }: PixelPlace): Promise<string | undefined> {
  const outcome = readSliceHeader(path, frame);
  if (outcome.kind !== "slice") return undefined;
  await loadCodecs([outcome.header.transferSyntax]);
  const slice = readHu(path, outcome);
  return slice.kind === "ok" ? createHash("sha256").update(slice.value.hu).digest("hex") : undefined;
}
