import type { Problem, Result } from "../../base/index.ts";
import type { PixelLayout } from "../pixel-layout.ts";
import type { Codestream } from "./codestream.ts";

/** Cells of one frame, row-major, little endian, before BitsStored is applied. The bytes belong to whoever gets them. */
export interface Cells {
  readonly bytes: Uint8Array;
  readonly bytesPerCell: 1 | 2 | 4;
}

/** One frame as it lies in the file, its fragments joined. */
export interface StoredBytes {
  /** In memory of their own, which the cells may take over. */
  readonly bytes: Uint8Array;
  readonly layout: PixelLayout;
  /** What the compressed bytes say of themselves, already checked against the layout; `undefined` where they say nothing. */
  readonly stream: Codestream | undefined;
}

/** Whether a codec can decode now, in this thread. */
export type Availability =
  | { readonly kind: "ready" }
  /** `loadCodecs` was not awaited in this thread. */
  | { readonly kind: "not loaded" }
  | { readonly kind: "missing"; readonly detail: string };

/**
 * The port behind which every compression lies. Own codecs are always ready; those of WebAssembly are loaded once a
 * thread, then decode synchronously.
 */
export interface PixelCodec {
  readonly name: string;
  /** npm package that does the work, or "Ichor". */
  readonly from: string;
  /** Whether it decodes such a stream right; a row of the table asks its codecs in their order. */
  takes(stream: Codestream | undefined): boolean;
  /** Loads what it needs; at once where that is nothing or done. A failure shows in `availability`. */
  load(): Promise<void>;
  availability(): Availability;
  /** Memory of its instance in this thread, bytes; 0 where it has none of its own. */
  heapBytes(): number;
  /** Problems: "truncated", "damaged pixel data". Never a throw, whatever the bytes are. */
  decode(stored: StoredBytes): Result<Cells>;
}

/** What a codec of our own says of loading. */
export const alwaysReady: Pick<PixelCodec, "load" | "availability" | "heapBytes"> = {
  load: () => Promise.resolve(),
  availability: () => ({ kind: "ready" }),
  heapBytes: () => 0,
};

/** The problem of pixel data that end too early; lengths in bytes. */
export function truncatedPixels(o: { readonly where: string; readonly got: number; readonly expected: number }) {
  return {
    kind: "truncated",
    where: o.where,
    got: `${o.got} bytes of pixel data`,
    expected: `${o.expected} bytes (rows × columns × bits, PS3.3 C.7.6.3)`,
    next: "copy the file again from its source",
  };
}

/** The problem of compressed pixels that contradict the standard, their header or themselves. */
export function damagedPixels(where: string, what: { readonly got: string; readonly expected: string }): Problem {
  return { kind: "damaged pixel data", where, ...what, next: "copy the file again from its source" };
}
