export { type HuSlice, lendHu, lendStored, readHu, readStored, type StoredSlice } from "./hounsfield.ts";
export type { Making } from "./making.ts";
export { type Preprocessing, prepareSlice, stackNeighbours, usedShift } from "./prepare.ts";
export { choiceRules } from "./series-choice.ts";
export type { SeriesSlice } from "./series-facts.ts";
export { kernelRows } from "./series-kernels.ts";
export { otherParts } from "./series-names.ts";
export type { LeftOut } from "./series-parts.ts";
export { findRepeats } from "./series-repeats.ts";
export { seriesRules, whyNotRead } from "./series-rules.ts";
export { chooseSeries, type FoundSeries, type SeriesChoice, type SeriesVerdict } from "./series-study.ts";
export {
  type HeaderOutcome,
  readSliceHeader,
  readSliceHeaders,
  rememberHeaders,
  type SliceHeader,
  type Vector,
} from "./slice-header.ts";
export { orderSeries, type Plane, type SeriesOrder, type SeriesRemark } from "./slice-order.ts";
export { noShift, type PlaneShift, shiftInPixels } from "./tilt.ts";
export { applyWindow, type Window, type WindowName, windows } from "./windows.ts";
