import { readSliceHeader, type SliceHeader } from "../ct/index.ts";

/** What a header said, without its bytes; or why the file is no slice. */
export type HeaderAnswer =
  | { readonly kind: "slice"; readonly header: SliceHeader }
  | { readonly kind: "set aside" | "failed"; readonly reason: string; readonly detail: string };

/** Task of a worker thread: the headers of some files, in their order. */
export default function readHeaders(paths: readonly string[]): HeaderAnswer[] {
  return paths.map((path) => {
    const outcome = readSliceHeader(path);
    return outcome.kind === "slice" ? { kind: "slice", header: outcome.header } : outcome;
  });
}
