import { readSliceHeaders, type SliceHeader } from "../ct/index.ts";

/** What a header said, without its bytes; or why a file, or a frame of it, is no slice. */
export type HeaderAnswer =
  | { readonly kind: "slice"; readonly header: SliceHeader; readonly sizeBytes: number }
  | { readonly kind: "set aside" | "failed"; readonly reason: string; readonly detail: string };

/** Task of a worker thread: the headers of some files, in their order; for each one answer a slice. */
export default function readHeaders(paths: readonly string[]): (readonly HeaderAnswer[])[] {
  return paths.map((path) =>
    readSliceHeaders(path).map((outcome) =>
      outcome.kind === "slice"
        ? { kind: "slice", header: outcome.header, sizeBytes: outcome.dataSet.sizeBytes }
        : outcome,
    ),
  );
}
