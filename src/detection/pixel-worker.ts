import { type Preprocessing, prepareSlice, readHu, readSliceHeader, readStored } from "../ct/index.ts";
import { loadCodecs } from "../dicom/index.ts";

/** Files to decode and how to prepare them. */
export interface PixelTask {
  readonly paths: readonly string[];
  readonly preprocessing: Preprocessing;
}

/** The network's picture of a slice, [size, size], or why there is none. */
export type PreparedSlice =
  | { readonly kind: "prepared"; readonly picture: Int16Array; readonly repaired: "no" | "wrapped values" }
  | { readonly kind: "failed"; readonly reason: string; readonly detail: string };

/** Task of a worker thread: decodes and prepares some slices, in their order, by the same functions as training. */
export default async function prepareSlices({ paths, preprocessing }: PixelTask): Promise<PreparedSlice[]> {
  const prepared: PreparedSlice[] = [];
  for (const path of paths) prepared.push(await prepareFile(path, preprocessing));
  return prepared;
}

async function prepareFile(path: string, preprocessing: Preprocessing): Promise<PreparedSlice> {
  const outcome = readSliceHeader(path);
  // The first pass saw a slice here, so the file has changed since.
  if (outcome.kind !== "slice") return { kind: "failed", reason: outcome.reason, detail: outcome.detail };
  await loadCodecs([outcome.header.transferSyntax]);
  const slice = preprocessing.values === "hu" ? readHu(path, outcome) : readStored(path, outcome);
  if (slice.kind === "problem") {
    const { kind, got, expected } = slice.problem;
    return { kind: "failed", reason: kind, detail: `got ${got}, expected ${expected}` };
  }
  const repaired = slice.value.kind === "hu" ? slice.value.repaired : "no";
  return { kind: "prepared", picture: prepareSlice(slice.value, preprocessing), repaired };
}
