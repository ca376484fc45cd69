import type { SliceHeader, Vector } from "./slice-header.ts";

/**
 * How far a slice's picture has to be moved so that it lies on the axis of its series: down its columns, then along its
 * rows, mm. The picture is taken that much further down and to the right in the stored slice.
 */
export type PlaneShift = readonly [down: number, right: number];

/** A slice that lies on its series' axis. */
export const noShift: PlaneShift = [0, 0];

/** Where a slice lies and how large it is; without pixel spacing its first pixel stands for its centre. */
export interface PlacedSlice {
  readonly position: Vector | undefined;
  readonly rows?: number | undefined;
  readonly columns?: number | undefined;
  readonly pixelSpacing?: SliceHeader["pixelSpacing"];
}

/** No head is this much off its axis, mm: 150 mm of it at 30° are shifted by 40 to each side. Beyond it a header errs. */
const largestShiftMm = 100;

/**
 * The shifts that straighten a series. A gantry that is tilted by an angle while the table moves along z gives planes
 * whose normal is not the way from one to the next: the volume is sheared, and the same place of the head lies further
 * down from slice to slice (by 5.4 mm · sin 22° = 2 mm a slice in many series of the competition). The axis runs along
 * the slice normal through the centre of the middle slice; each slice is shifted in its own plane until its centre lies
 * on it, so that a place stands in the same pixel of all slices. Upright series have no shift.
 * `slices` are in their order along the normal; `directions` are those of rows and columns; a slice without a position
 * and one that is not `inPlane` keep their place. Rounded to a thousandth of a millimetre.
 */
export function shiftsToAxis(
  slices: readonly PlacedSlice[],
  directions: { readonly row: Vector; readonly column: Vector },
  inPlane: (index: number) => boolean,
): readonly PlaneShift[] {
  const { row, column } = directions;
  const centres = slices.map((slice, index) => {
    const centre = inPlane(index) ? centreOf(slice, directions) : undefined;
    return centre === undefined ? undefined : ([dot(centre, column), dot(centre, row)] as const);
  });
  const known = centres.flatMap((centre) => (centre === undefined ? [] : [centre]));
  const middle = known[known.length >> 1];
  return centres.map((centre) => {
    if (centre === undefined || middle === undefined) return noShift;
    const shift = [thousandths(middle[0] - centre[0]), thousandths(middle[1] - centre[1])] as const;
    return Math.hypot(...shift) <= largestShiftMm ? shift : noShift;
  });
}

/** Of the slice's middle in the patient's coordinates, mm (PS3.3 C.7.6.2.1.1: the position is its first pixel's centre). */
function centreOf(
  { position, rows, columns, pixelSpacing }: PlacedSlice,
  { row, column }: { readonly row: Vector; readonly column: Vector },
): Vector | undefined {
  if (position === undefined || pixelSpacing === undefined || rows === undefined || columns === undefined)
    return position;
  const down = ((rows - 1) / 2) * pixelSpacing[0];
  const right = ((columns - 1) / 2) * pixelSpacing[1];
  const at = (axis: 0 | 1 | 2) => position[axis] + down * column[axis] + right * row[axis];
  return [at(0), at(1), at(2)];
}

/** A shift in stored pixels: rows, then columns. A slice without pixel spacing stays where it is. */
export function shiftInPixels(
  [down, right]: PlaneShift,
  pixelSpacing: SliceHeader["pixelSpacing"],
): readonly [rows: number, columns: number] {
  return pixelSpacing === undefined ? [0, 0] : [down / pixelSpacing[0], right / pixelSpacing[1]];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** To a thousandth, and 0 for what rounds to −0. */
function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000 + 0;
}
