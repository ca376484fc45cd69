import { readSliceHeader, type SliceHeader } from "../ct/index.ts";

/** What a detection keeps of a header: small, since there is one for each slice of the whole input. */
export type SliceBrief = Pick<
  SliceHeader,
  "sliceId" | "sop" | "study" | "series" | "modality" | "position" | "orientation" | "pixelSpacing" | "rows" | "columns"
>;

/** A slice in brief, or why the file is none. */
export type HeaderAnswer =
  | { readonly kind: "slice"; readonly brief: SliceBrief }
  | { readonly kind: "set aside" | "failed"; readonly reason: string; readonly detail: string };

/** Task of a worker thread: the headers of some files, in their order. */
export default function readHeaders(paths: readonly string[]): HeaderAnswer[] {
  return paths.map((path) => {
    const outcome = readSliceHeader(path);
    if (outcome.kind !== "slice") return { kind: outcome.kind, reason: outcome.reason, detail: outcome.detail };
    const { sliceId, sop, study, series, modality, position, orientation, pixelSpacing, rows, columns } =
      outcome.header;
    const brief = { sliceId, sop, study, series, modality, position, orientation, pixelSpacing, rows, columns };
    return { kind: "slice", brief };
  });
}
