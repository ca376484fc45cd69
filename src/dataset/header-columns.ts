import type { SliceHeader } from "../ct/index.ts";
import type { Cell, ColumnType } from "./database.ts"; // types alone: threads that read headers need no database

/** A column of table `outcomes`, and where its cell comes from. */
interface HeaderColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly cell: (header: SliceHeader) => Cell;
}

/** What is known of a slice from its header, a column each. Lengths in mm. */
export const headerColumns: readonly HeaderColumn[] = [
  { name: "slice_id", type: "VARCHAR", cell: (header) => header.sliceId },
  { name: "patient", type: "VARCHAR", cell: (header) => header.patient },
  { name: "study", type: "VARCHAR", cell: (header) => header.study },
  { name: "series", type: "VARCHAR", cell: (header) => header.series },
  { name: "sop", type: "VARCHAR", cell: (header) => header.sop },
  ...[0, 1, 2].map((axis): HeaderColumn => {
    return { name: `position_${axis}`, type: "DOUBLE", cell: (header) => header.position?.[axis] };
  }),
  ...[0, 1, 2, 3, 4, 5].map((axis): HeaderColumn => {
    return { name: `orientation_${axis}`, type: "DOUBLE", cell: (header) => header.orientation?.[axis] };
  }),
  { name: "spacing_row", type: "DOUBLE", cell: (header) => header.pixelSpacing?.[0] },
  { name: "spacing_column", type: "DOUBLE", cell: (header) => header.pixelSpacing?.[1] },
  { name: "rows", type: "INTEGER", cell: (header) => header.rows },
  { name: "columns", type: "INTEGER", cell: (header) => header.columns },
  { name: "bits_allocated", type: "INTEGER", cell: (header) => header.bitsAllocated },
  { name: "bits_stored", type: "INTEGER", cell: (header) => header.bitsStored },
  { name: "high_bit", type: "INTEGER", cell: (header) => header.highBit },
  { name: "sign", type: "VARCHAR", cell: (header) => header.sign },
  { name: "hu_by", type: "VARCHAR", cell: (header) => header.huBy },
  { name: "slope", type: "DOUBLE", cell: (header) => (header.huBy === "line" ? header.slope : undefined) },
  { name: "intercept", type: "DOUBLE", cell: (header) => (header.huBy === "line" ? header.intercept : undefined) },
  { name: "photometric", type: "VARCHAR", cell: (header) => header.photometric },
  { name: "padding_low", type: "DOUBLE", cell: (header) => header.padding?.[0] },
  { name: "padding_high", type: "DOUBLE", cell: (header) => header.padding?.[1] },
  { name: "transfer_syntax", type: "VARCHAR", cell: (header) => header.transferSyntax },
  { name: "pixel_group", type: "VARCHAR", cell: (header) => header.pixelGroup },
  { name: "slice_thickness_mm", type: "DOUBLE", cell: (header) => header.sliceThicknessMm },
  { name: "kernel", type: "VARCHAR", cell: (header) => header.kernel },
  { name: "image_type", type: "VARCHAR", cell: (header) => header.imageType.join("\\") || undefined },
  { name: "series_description", type: "VARCHAR", cell: (header) => header.seriesDescription },
  { name: "body_part", type: "VARCHAR", cell: (header) => header.bodyPart },
  { name: "contrast", type: "VARCHAR", cell: (header) => header.contrast },
  { name: "acquisition", type: "DOUBLE", cell: (header) => header.acquisition },
  { name: "series_number", type: "DOUBLE", cell: (header) => header.seriesNumber },
  { name: "instance_number", type: "DOUBLE", cell: (header) => header.instanceNumber },
  { name: "temporal_position", type: "DOUBLE", cell: (header) => header.temporalPosition },
  { name: "stack", type: "VARCHAR", cell: (header) => header.stack },
  { name: "in_stack_position", type: "DOUBLE", cell: (header) => header.inStackPosition },
  { name: "burned_in", type: "VARCHAR", cell: (header) => header.burnedIn },
];

/** The cells of a header, for the table `outcomes`; all empty where the file is no slice. */
export function headerCells(header: SliceHeader | undefined): readonly Cell[] {
  return headerColumns.map(({ cell }) => (header === undefined ? undefined : cell(header)));
}
