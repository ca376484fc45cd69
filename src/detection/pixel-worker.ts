import {
  type HeaderOutcome,
  lendHu,
  lendStored,
  type PlaneShift,
  type Preprocessing,
  prepareSlice,
  rememberHeaders,
} from "../ct/index.ts";
import { loadCodecs } from "../dicom/index.ts";

interface SliceSource {
  readonly path: string;
  readonly frame: number;
  readonly shiftMm: PlaneShift | undefined;
}

/** Slices to decode and how to prepare them. */
export interface PixelTask {
  /** Absolute paths of their files, their places in them, from 0, and their shifts, to straighten the series. */
  readonly slices: readonly SliceSource[];
  readonly preprocessing: Preprocessing;
}

/** The network's picture of a slice, [size, size], or why there is none. */
export type PreparedSlice =
  | { readonly kind: "prepared"; readonly picture: Int16Array; readonly repaired: "no" | "wrapped values" }
  | { readonly kind: "failed"; readonly reason: string; readonly detail: string };

/** Task of a worker thread: decodes and prepares some slices, in their order, by the same functions as training. */
export default async function prepareSlices({ slices, preprocessing }: PixelTask): Promise<PreparedSlice[]> {
  const headers = rememberHeaders(); // frames of one file stand together
  const prepared: PreparedSlice[] = [];
  for (const slice of slices) prepared.push(await prepare(slice, headers(slice.path, slice.frame), preprocessing));
  return prepared;
}

async function prepare(
  { path, shiftMm }: SliceSource,
  outcome: HeaderOutcome,
  preprocessing: Preprocessing,
): Promise<PreparedSlice> {
  // The first pass saw a slice here, so the file has changed since.
  if (outcome.kind !== "slice") return { kind: "failed", reason: outcome.reason, detail: outcome.detail };
  await loadCodecs([outcome.header.transferSyntax]);
  const slice = preprocessing.values === "hu" ? lendHu(path, outcome) : lendStored(path, outcome);
  if (slice.kind === "problem") {
    const { kind, got, expected } = slice.problem;
    return { kind: "failed", reason: kind, detail: `got ${got}, expected ${expected}` };
  }
  const repaired = slice.value.kind === "hu" ? slice.value.repaired : "no";
  return { kind: "prepared", picture: prepareSlice(slice.value, preprocessing, shiftMm), repaired };
}
