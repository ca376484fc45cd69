import { type HeaderOutcome, readSliceHeaders } from "../ct/index.ts";
import { type Heads, withHeads } from "../storage/index.ts";
import type { Cell } from "./database.ts";
import { headerCells } from "./header-columns.ts";

/** What a header said of a slice, or why a file or a frame of it is none: a row of table `outcomes` behind its file. */
export type OutcomeCells = readonly Cell[];

/** Headers to read. */
export interface HeaderTask {
  /** Absolute paths. */
  readonly paths: readonly string[];
  /** What was read of the files ahead. */
  readonly heads?: Heads | undefined;
}

/** Reads the headers of some files, in a worker thread; for each file, in their order, one row a slice. */
export default function readHeaders({ paths, heads }: HeaderTask): readonly (readonly OutcomeCells[])[] {
  const read = () => paths.map((path) => readSliceHeaders(path).map((outcome) => outcomeCells(path, outcome)));
  return heads === undefined ? read() : withHeads(paths, heads, read);
}

/** Arrays of plain values: objects take twice as long from one thread to another. */
function outcomeCells(path: string, outcome: HeaderOutcome): OutcomeCells {
  if (outcome.kind === "slice") return [outcome.header.frame, "used", "", "", ...headerCells(outcome.header)];
  if (outcome.reason === "not DICOM" && /\.csv$/i.test(path)) {
    const detail = "a CSV file; if it holds the labels, index again with --labels and its path";
    return [undefined, "set aside", "table", detail, ...headerCells(undefined)];
  }
  return [outcome.frame, outcome.kind, outcome.reason, outcome.detail, ...headerCells(undefined)];
}
