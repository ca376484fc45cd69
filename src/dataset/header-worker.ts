import { type HeaderOutcome, readSliceHeaders } from "../ct/index.ts";
import { handOver } from "../machine/index.ts";
import { type Heads, withHeads } from "../storage/index.ts";
import type { Cell } from "./database.ts";
import { headerCells } from "./header-columns.ts";
import { type PackedRows, packRows } from "./packed-rows.ts";

/** Headers to read. */
export interface HeaderTask {
  /** Absolute paths. */
  readonly paths: readonly string[];
  /** What was read of the files ahead. */
  readonly heads?: Heads | undefined;
}

/** As `readHeaders`, in a worker thread. */
export default function readHeadersThere(task: HeaderTask): PackedRows {
  const rows = readHeaders(task);
  return handOver(rows, [rows.numbers.buffer, rows.places.buffer]);
}

/**
 * Reads the headers of some files; for each file, in their order, a row of table `outcomes` for each of its slices, whose
 * first cell is the file's place among the paths.
 */
export function readHeaders({ paths, heads }: HeaderTask): PackedRows {
  const rowsOf = (path: string, file: number) =>
    readSliceHeaders(path).map((outcome) => outcomeCells(path, file, outcome));
  const read = () => paths.flatMap(rowsOf);
  return packRows(heads === undefined ? read() : withHeads(paths, heads, read));
}

/** What a header said of a slice, or why a file or a frame of it is none. */
function outcomeCells(path: string, file: number, outcome: HeaderOutcome): readonly Cell[] {
  if (outcome.kind === "slice") return [file, outcome.header.frame, "used", "", "", ...headerCells(outcome.header)];
  if (outcome.reason === "not DICOM" && /\.csv$/i.test(path)) {
    const detail = "a CSV file; if it holds the labels, index again with --labels and its path";
    return [file, undefined, "set aside", "table", detail, ...headerCells(undefined)];
  }
  return [file, outcome.frame, outcome.kind, outcome.reason, outcome.detail, ...headerCells(undefined)];
}
