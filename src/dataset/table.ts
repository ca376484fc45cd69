import { join } from "node:path";
import { noShift, type PlaneShift } from "../ct/index.ts";
import { labelCount } from "../labels/index.ts";

/** Where a slice lies in the competition's layout, by the folders of its path; empty where they do not say. */
export type Part = "train" | "test" | "";

/**
 * The used slices of an index, column by column, so that 700,000 of them take some 200 MB. Row r of every column is the
 * same slice. Rows are sorted by patient, study, series, and within a series from feet to head.
 */
export interface SliceTable {
  /** The data folder, absolute. */
  readonly root: string;
  /** Number of rows. */
  readonly count: number;
  /** Relative to `root`, with "/"; `slicePath` gives the absolute one. */
  readonly paths: readonly string[];
  /** [count]: place of the slice in its file, from 0; 0 where the file is the slice. */
  readonly frames: Int32Array;
  readonly sliceIds: readonly string[];
  readonly patients: readonly string[];
  readonly studies: readonly string[];
  /** [count]: number of the slice's series; equal for the slices of one series, which stand together. */
  readonly seriesIndex: Int32Array;
  readonly part: readonly Part[];
  /** [count, 2]: how far down and to the right a slice is taken to straighten its series, mm; 0 in upright series. */
  readonly shiftsMm: Float64Array;
  /** [count, 6] in the order of the labels: 0 … 1, NaN where the slice has no label. */
  readonly labels: Float32Array;
  /** BitsStored, sign and intercept, e.g. "12/unsigned/-1024". */
  readonly pixelGroups: readonly string[];
  /** [count]: size of the file when it was indexed, bytes. */
  readonly sizesBytes: Float64Array;
  /** [count]: last change of the file when it was indexed, ms since 1970. */
  readonly mtimesMs: Float64Array;
  /** SHA-256 over identity, place, pixel group and labels of the rows, in their order; not over paths and times. */
  readonly hash: string;
}

/** Absolute path of the file of a row. */
export function slicePath(table: SliceTable, row: number): string {
  const path = table.paths[row];
  if (path === undefined) throw new Error(`row ${row} of ${table.count}`);
  return join(table.root, path);
}

/** How far the slice of a row is taken down and to the right to straighten its series, mm. */
export function sliceShift({ shiftsMm }: Pick<SliceTable, "shiftsMm">, row: number): PlaneShift {
  const [down, right] = shiftsMm.subarray(row * 2, row * 2 + 2);
  return down === undefined || right === undefined ? noShift : [down, right];
}

/** The rows that have all six labels, ascending; without those that the cache could not read, where one is given. */
export function labelRows(
  table: Pick<SliceTable, "count" | "labels">,
  cache?: { readonly pixelHashes: readonly (string | undefined)[] },
): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < table.count; row++) {
    if (cache !== undefined && cache.pixelHashes[row] === undefined) continue;
    let known = 0;
    for (let label = 0; label < labelCount; label++) {
      if (!Number.isNaN(table.labels[row * labelCount + label])) known++;
    }
    if (known === labelCount) rows.push(row);
  }
  return Int32Array.from(rows);
}
