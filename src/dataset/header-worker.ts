import { readSliceHeader, type SliceHeader } from "../ct/index.ts";

/** What a header said, without its bytes. */
export type HeaderAnswer =
  | { readonly kind: "slice"; readonly header: SliceHeader }
  | { readonly kind: "set aside" | "failed"; readonly reason: string; readonly detail: string };

/** Reads the headers of some files (absolute paths), in a worker thread; an answer a file, in their order. */
export default function readHeaders(paths: readonly string[]): readonly HeaderAnswer[] {
  return paths.map((path) => {
    const outcome = readSliceHeader(path);
    return outcome.kind === "slice" ? { kind: "slice", header: outcome.header } : outcome;
  });
}
