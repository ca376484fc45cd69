import { noShift, type PlaneShift, type Preprocessing, shiftInPixels, usedShift } from "../ct/index.ts";

/** What is needed of a slice to place its prepared picture on it. */
export interface Frame {
  readonly rows: number;
  readonly columns: number;
  readonly pixelSpacing: readonly [row: number, column: number] | undefined;
  /** To straighten its series. */
  readonly shiftMm?: PlaneShift | undefined;
}

/** The rectangle of a stored slice that the network's picture shows, in pixels; edges, so pixel c spans [c, c + 1). */
export interface View extends Pick<Frame, "rows" | "columns"> {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Rows and columns of the network's picture. */
  readonly size: number;
}

/** The inverse of `prepareSlice`'s geometry: which part of the stored slice the prepared picture shows. */
export function viewOf(frame: Frame, preprocessing: Preprocessing): View {
  const { rows, columns, pixelSpacing, shiftMm = noShift } = frame;
  const { fieldOfViewMm, size } = preprocessing;
  const [lower, righter] = shiftInPixels(usedShift(preprocessing, shiftMm), pixelSpacing);
  const side = Math.max(rows, columns);
  const [height, width] =
    fieldOfViewMm === "image" || pixelSpacing === undefined
      ? [side, side]
      : [fieldOfViewMm / pixelSpacing[0], fieldOfViewMm / pixelSpacing[1]];
  return {
    rows,
    columns,
    left: (columns - width) / 2 + righter,
    top: (rows - height) / 2 + lower,
    width,
    height,
    size,
  };
}

/** A point of the prepared picture, given as shares of its sides, in pixels of the stored slice. */
export function pixelsOfPlace(
  { left, top, width, height }: View,
  { across, down }: { readonly across: number; readonly down: number },
): { readonly column: number; readonly row: number } {
  return { column: left + across * width, row: top + down * height };
}
