import { readSliceHeaders, type SliceHeader } from "../ct/index.ts";

/** What a header said of a slice, without its bytes; or why a file, or a frame of it, is none. */
export type HeaderAnswer =
  | { readonly kind: "slice"; readonly header: SliceHeader }
  | {
      readonly kind: "set aside" | "failed";
      readonly frame: number | undefined;
      readonly reason: string;
      readonly detail: string;
    };

/** Reads the headers of some files (absolute paths), in a worker thread; for each file, in their order, one answer a slice. */
export default function readHeaders(paths: readonly string[]): readonly (readonly HeaderAnswer[])[] {
  return paths.map((path) =>
    readSliceHeaders(path).map((outcome) =>
      outcome.kind === "slice" ? { kind: "slice", header: outcome.header } : outcome,
    ),
  );
}
